"""Sessions that were signed out: refused until their cookie is too old, however often they are ended."""

import contextlib

from models.accounts import session_store
from models.database.sql import fetch
from models.database.transactions import transaction
from tests.support.races import at_once


def test_a_session_ended_twice_is_forgotten_at_the_later_instant(db):
    session_store.end("token", 10)
    session_store.end("token", 20)
    assert session_store.prune(100, 19) == 0
    assert session_store.has_ended("token")
    assert session_store.prune(100, 20) == 1
    assert not session_store.has_ended("token")


def test_a_double_click_on_sign_out_fails_neither_time(db):
    assert at_once(*[lambda: session_store.end("token", 10)] * 4) == [None] * 4
    assert fetch("SELECT count(*) FROM ended_session") == [(1,)]


def test_one_ended_anew_while_old_ones_are_forgotten_stays_ended(db, monkeypatch):
    session_store.end("token", 10)

    @contextlib.contextmanager
    def ended_anew():
        monkeypatch.setattr(session_store, "transaction", transaction)
        session_store.end("token", 30)
        with transaction():
            yield

    monkeypatch.setattr(session_store, "transaction", ended_anew)
    assert session_store.prune(100, 20) == 0
    assert session_store.has_ended("token")


def test_no_more_are_forgotten_at_once_than_asked_for_the_oldest_first(db):
    for number in (3, 1, 2):
        session_store.end(f"token {number}", number)
    assert session_store.prune(2, 3) == 2
    assert [number for number in (1, 2, 3) if session_store.has_ended(f"token {number}")] == [3]
