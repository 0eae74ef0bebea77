"""What becomes of a transaction whose database refuses, which refusals pass, which connections a thread keeps."""

from types import SimpleNamespace

import psycopg
import pytest
from peewee import OperationalError

from models.database.connection import (
    Unreachable,
    close_all,
    connections_in_use,
    database,
    drop_if_stale,
    keep_connection,
    open_database,
)
from models.database.sql import fetch, skipping_locked
from models.database.transactions import transaction, wait_briefly_for_locks
from tests.support.races import at_once


@pytest.fixture
def sqlite(tmp_path):
    open_database(f"sqlite:///{tmp_path}/test.db")
    yield
    close_all()


def rolled_back_by_sqlite():
    """As it does by itself when the disk is full at the commit."""
    with transaction():
        database.execute_sql("ROLLBACK")
        raise OperationalError("database or disk is full")


def test_what_ended_a_transaction_is_told_when_sqlite_has_rolled_back_already(sqlite):
    with pytest.raises(OperationalError, match="disk is full"):
        rolled_back_by_sqlite()
    with transaction():
        database.execute_sql("CREATE TABLE afterwards (id INTEGER)")


def test_a_database_that_is_read_only_for_now_counts_as_unreachable(account, db):
    """In a fail-over; the recorder once gave up what had been answered meanwhile, so all of it was sent again."""
    database.execute_sql("PRAGMA query_only = 1" if db == "sqlite" else "SET default_transaction_read_only = on")
    with pytest.raises(Unreachable), transaction():
        database.execute_sql("UPDATE account SET name = 'other'")
    database.execute_sql("PRAGMA query_only = 0" if db == "sqlite" else "SET default_transaction_read_only = off")
    with transaction():
        database.execute_sql("UPDATE account SET name = 'other'")


postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


def backend():
    """The server's process that serves this thread's connection."""
    return fetch("SELECT pg_backend_pid()")[0][0]


@pytest.fixture
def never_trusted(monkeypatch):
    """A kept connection is looked at however short ago it was used."""
    monkeypatch.setattr("models.database.pool.TRUSTED_S", 0)


@postgres
def test_a_thread_keeps_its_connection_for_the_next_request(db, never_trusted):
    before = backend()
    keep_connection()
    drop_if_stale()
    assert not database.is_closed()
    assert backend() == before


@postgres
def test_a_kept_connection_that_the_server_closed_is_replaced(db, never_trusted, postgres_url):
    before = backend()
    keep_connection()
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (before,))
    drop_if_stale()
    assert database.is_closed()
    assert connections_in_use() == 0
    assert backend() != before


@postgres
def test_a_connection_is_not_believed_because_of_requests_that_never_asked_it(db, postgres_url, monkeypatch):
    """A health check kept a thread from looking; the first who asked the database after a restart got 503."""
    at_s = [100.0]
    monkeypatch.setattr("models.database.pool.time", SimpleNamespace(monotonic=lambda: at_s[0]))
    before = backend()
    drop_if_stale()
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (before,))

    for _ in range(5):
        at_s[0] += 0.03
        keep_connection()
        drop_if_stale()

    assert database.is_closed()


@postgres
def test_a_connection_within_a_transaction_is_not_kept(db):
    before = backend()
    database.begin()
    database.execute_sql("SELECT 1")
    keep_connection()
    assert database.is_closed()
    assert backend() != before


@postgres
def test_a_connection_that_broke_is_not_kept(db):
    database.connection().close()
    keep_connection()
    assert database.is_closed()
    assert backend() > 0


def test_keeping_and_renewing_what_is_closed_does_nothing(db):
    database.close()
    keep_connection()
    drop_if_stale()
    assert database.is_closed()


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_sqlite_is_kept_open(db):
    keep_connection()
    drop_if_stale()
    assert not database.is_closed()


def pragmas():
    return {
        name: fetch(f"PRAGMA {name}")[0][0] for name in ("synchronous", "journal_mode", "foreign_keys", "busy_timeout")
    }


def test_every_connection_to_sqlite_writes_through_to_the_disk(sqlite):
    """A job answered with 201 outlives a power cut (docs/promises.md): 2 is FULL, 1 could lose the last ones."""
    safe = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 10_000}
    assert [pragmas(), *at_once(pragmas, pragmas)] == [safe] * 3


def shown(*names):
    return {name: fetch(f"SHOW {name}")[0][0] for name in names}


@postgres
def test_a_process_frozen_within_a_transaction_holds_no_lock_for_ever(db):
    limits = {"statement_timeout": "9s", "lock_timeout": "8s", "idle_in_transaction_session_timeout": "20s"}
    assert [shown(*limits), *at_once(lambda: shown(*limits))] == [limits] * 2


@postgres
def test_a_peer_that_vanished_is_noticed_on_both_ends(db):
    server = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "2", "tcp_keepalives_count": "3"}
    assert shown(*server) == server
    client = {"keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3", "tcp_user_timeout": "10000"}
    parameters = database.connection().info.get_parameters()
    assert {name: parameters[name] for name in client} == client
    assert parameters["connect_timeout"] == "5"


@postgres
def test_locks_are_waited_for_briefly_until_the_transaction_ends(db):
    with transaction():
        wait_briefly_for_locks()
        assert shown("lock_timeout") == {"lock_timeout": "2s"}
    assert shown("lock_timeout") == {"lock_timeout": "8s"}


@postgres
def test_outside_of_a_transaction_locks_are_waited_for_briefly_from_then_on(db):
    wait_briefly_for_locks()
    with transaction():
        assert shown("lock_timeout") == {"lock_timeout": "2s"}
    assert shown("lock_timeout") == {"lock_timeout": "2s"}


def test_a_row_that_somebody_refers_to_is_hidden_from_the_strongest_lock_alone(db, account):
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    rows = "SELECT id FROM account"
    with psycopg.connect(str(database.obj.database)) as other, transaction():
        other.execute(f"{rows} FOR KEY SHARE")

        assert fetch(f"{rows}{skipping_locked('NO KEY UPDATE')}") == [(account.id,)]
        assert fetch(f"{rows}{skipping_locked()}") == []
