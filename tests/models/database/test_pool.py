"""The pool of connections: threads that wait for a silent database hold up nobody else."""

import threading
import time
from types import SimpleNamespace

import pytest
from peewee import OperationalError
from playhouse.pool import MaxConnectionsExceeded

from models.database import pool
from models.database.connection import (
    Unreachable,
    close_all,
    connections_in_use,
    database,
    keep_connection,
    open_database,
)
from models.database.postgres import OF_WORK, Silent
from models.database.sql import fetch
from tests.support.races import at_once
from tests.support.waiting import wait_until


@pytest.fixture
def opened(postgres_url):
    yield open_database(postgres_url, connections=4)
    close_all()


@pytest.fixture
def two(postgres_url):
    yield open_database(postgres_url, connections=2)
    close_all()


def backend():
    return fetch("SELECT pg_backend_pid()")[0][0]


def held():
    """Another thread has a connection; returns how to end it."""
    has, may_end = threading.Event(), threading.Event()

    def hold():
        database.connect()
        has.set()
        may_end.wait(10)
        database.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert has.wait(10)
    return lambda: (may_end.set(), thread.join(10))


def test_a_connection_that_came_back_is_used_again(opened):
    first = backend()
    database.close()
    assert backend() == first
    assert connections_in_use() == 1


def test_a_connection_that_came_back_inside_a_transaction_is_not_used_again(opened):
    first = backend()
    database.connection().execute("BEGIN")
    database.close()
    assert backend() != first


def test_a_thread_gives_back_and_takes_while_another_waits_for_the_database(opened, monkeypatch):
    """With peewee's pool a thread that connected held two locks for as long as the database was silent."""
    fetch("SELECT 1")
    connecting, may_go_on = threading.Event(), threading.Event()

    def hang(*_):
        connecting.set()
        may_go_on.wait(10)
        raise Silent("no answer")

    monkeypatch.setattr(pool, "connect", hang)
    opened.limits = OF_WORK._replace(connect_s=0)  # it waits for no connection of this thread afterwards
    hanging = threading.Thread(target=lambda: pytest.raises(Unreachable, database.connect))
    hanging.start()
    assert connecting.wait(10)

    database.close()
    database.connect()

    assert fetch("SELECT 1") == [(1,)]
    may_go_on.set()
    hanging.join(10)


def silent(*_):
    raise Silent("no answer within 2 s")


def test_while_the_database_is_silent_one_thread_alone_tries_it(opened, monkeypatch):
    may_go_on = threading.Event()
    monkeypatch.setattr(pool, "connect", silent)
    with pytest.raises(OperationalError, match="no answer within 2 s"):
        database.connect()
    monkeypatch.setattr(pool, "connect", lambda *_: may_go_on.wait(10) and silent())
    trying = threading.Thread(target=lambda: pytest.raises(OperationalError, database.connect))
    trying.start()
    wait_until(lambda: opened._opening, what="a thread that connects")

    with pytest.raises(OperationalError, match="another thread waits for it already"):
        database.connect()

    may_go_on.set()
    trying.join(10)
    monkeypatch.undo()
    assert fetch("SELECT 1") == [(1,)]


def test_where_no_further_connection_is_free_the_process_gets_by_with_those_it_has(opened, monkeypatch, caplog):
    """Behind PgBouncer each request for a thirteenth connection of twelve ended with 503."""
    end = held()
    monkeypatch.setattr(pool, "connect", silent)
    backends = []
    waiting = threading.Thread(target=lambda: backends.extend(at_once(backend)))
    waiting.start()
    wait_until(lambda: opened._changed._waiters, what="a thread that waits for a connection")

    end()
    waiting.join(10)

    assert len(backends) == 1
    assert isinstance(backends[0], int)
    assert "gets by with the 1 it has" in caplog.text


def test_scarcity_is_told_once_while_it_lasts_and_again_when_it_comes_back(opened, monkeypatch, caplog):
    fetch("SELECT 1")
    at_s = [100.0]
    monkeypatch.setattr(pool, "time", SimpleNamespace(monotonic=lambda: at_s[0]))

    for at_s[0] in (100.0, 109.0, 118.0, 128.5, 129.0):
        opened._note_scarcity()

    warnings = [record for record in caplog.records if "gets by with" in record.message]
    assert [record.levelname for record in warnings] == ["WARNING"] * 2
    assert opened._is_scarce(138.9)
    assert not opened._is_scarce(139.0)


def test_a_refused_connection_is_not_taken_for_a_silent_database(opened, monkeypatch):
    monkeypatch.setattr(pool, "connect", lambda *_: (_ for _ in ()).throw(pool.psycopg.OperationalError("refused")))
    with pytest.raises(OperationalError, match="refused"):
        database.connect()
    assert (opened._is_scarce(0), opened._opening) == (False, 0)


def test_a_connection_that_opens_ends_the_scarcity(opened, monkeypatch):
    end = held()
    monkeypatch.setattr(pool, "connect", silent)
    opened.limits = OF_WORK._replace(connect_s=0)
    with pytest.raises(MaxConnectionsExceeded):
        database.connect()
    end()
    monkeypatch.undo()
    opened.close_all()
    opened.limits = OF_WORK

    assert fetch("SELECT 1") == [(1,)]

    assert not opened._is_scarce(time.monotonic())


def test_no_more_connections_are_opened_than_allowed(two):
    end = held()
    fetch("SELECT 1")
    two.limits = OF_WORK._replace(connect_s=0)  # nobody waits for one that comes back
    with pytest.raises(MaxConnectionsExceeded, match="all 2 connections of this process are in use"):
        raise at_once(lambda: None)[0]
    end()


def test_a_thread_waits_for_a_connection_that_comes_back(two):
    end = held()
    fetch("SELECT 1")
    waiting = threading.Thread(target=lambda: at_once(backend))
    waiting.start()
    wait_until(lambda: two._changed._waiters, what="a thread that waits for a connection")
    end()
    waiting.join(10)
    assert not waiting.is_alive()
    assert connections_in_use() == 1


def test_a_connection_that_comes_back_as_a_thread_gives_up_waiting_is_not_forgotten(two, monkeypatch):
    """The thread failed, and no other was woken for it."""
    ends = [held(), held()]
    wait = two._changed.wait

    def given_back_too_late(_timeout_s):
        monkeypatch.setattr(two._changed, "wait", wait)
        two._changed.release()
        ends[0]()
        two._changed.acquire()
        return False

    monkeypatch.setattr(two._changed, "wait", given_back_too_late)
    assert database.connect()

    database.close()
    ends[1]()


def test_a_thread_keeps_no_connection_that_another_may_need(two):
    end = held()
    fetch("SELECT 1")
    keep_connection()
    assert database.is_closed()
    end()

    fetch("SELECT 1")
    keep_connection()
    assert not database.is_closed()
