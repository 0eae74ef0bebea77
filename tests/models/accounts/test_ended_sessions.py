"""Sessions that were signed out: refused until their cookie is too old, however often they are ended."""

from models.accounts import ended_sessions
from models.database.sql import fetch
from tests.support.races import at_once


def test_a_session_ended_twice_is_forgotten_at_the_later_instant(db):
    ended_sessions.end("token", 10)
    ended_sessions.end("token", 20)
    assert ended_sessions.prune(100, 19) == 0
    assert ended_sessions.has_ended("token")
    assert ended_sessions.prune(100, 20) == 1
    assert not ended_sessions.has_ended("token")


def test_a_double_click_on_sign_out_fails_neither_time(db):
    assert at_once(*[lambda: ended_sessions.end("token", 10)] * 4) == [None] * 4
    assert fetch("SELECT count(*) FROM ended_session") == [(1,)]


def test_one_ended_anew_while_old_ones_are_forgotten_stays_ended(db, monkeypatch):
    ended_sessions.end("token", 10)
    these = ended_sessions.any_of

    def ended_anew(*chosen):
        ended_sessions.end("token", 30)
        return these(*chosen)

    monkeypatch.setattr(ended_sessions, "any_of", ended_anew)
    assert ended_sessions.prune(100, 20) == 0
    assert ended_sessions.has_ended("token")


def test_no_more_are_forgotten_at_once_than_asked_for_the_oldest_first(db):
    for number in (3, 1, 2):
        ended_sessions.end(f"token {number}", number)
    assert ended_sessions.prune(2, 3) == 2
    assert [number for number in (1, 2, 3) if ended_sessions.has_ended(f"token {number}")] == [3]
