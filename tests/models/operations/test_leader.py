"""Whose lock is taken away from a silent leader: that of this database's ticker, and nobody else's."""

import psycopg
import pytest

from models.database import schema
from models.database.connection import database
from models.database.sql import fetch
from models.operations import leader as leading
from models.operations.leader import LOCK, LOOK, TAKE_AWAY, PostgresLead, candidate
from models.operations.ticker_row import SILENT_S
from tests.support.services import POSTGRES_URL
from tests.support.waiting import wait_until

postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


def session(url):
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def take_away():
    """End the session that holds the lock."""
    [(pid, _)] = fetch(LOOK)
    return fetch(TAKE_AWAY, (pid,))


@pytest.fixture
def leader(db):
    lead = candidate()
    assert lead.hold()
    yield lead
    lead.give_up()


@postgres
def test_the_leading_session_alone_loses_its_lock(leader):
    assert take_away() == [(1,)]
    assert not leader.hold()


@postgres
def test_the_leader_of_another_database_keeps_its_lock(leader):
    """Two installations may share a server."""
    with session(POSTGRES_URL) as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock_shared(%s)", (LOCK,))

        assert take_away() == [(1,)]

        assert elsewhere.execute("SELECT 1").fetchone() == (1,)


@postgres
@pytest.mark.parametrize("lock", [schema.LOCK, LOCK | 1 << 32])
def test_who_holds_another_lock_of_this_database_keeps_it(db, lock):
    with session(str(database.obj.database)) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (lock,))

        assert take_away() == [(0,)]

        assert other.execute("SELECT 1").fetchone() == (1,)


@postgres
def test_who_only_waits_for_the_lock_is_not_ended(leader, db):
    with session(str(database.obj.database)) as waiting:
        assert waiting.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() == (False,)
        assert take_away() == [(1,)]
        assert waiting.execute("SELECT 1").fetchone() == (1,)


@postgres
def test_the_connection_of_a_lead_waits_five_seconds_at_most(db):
    lead = PostgresLead(str(database.obj.database))
    with lead._connect() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("4500ms",)
        assert connection.reply_s == 5
        assert connection.execute("SHOW tcp_keepalives_idle").fetchone() == ("5",)
        assert connection.info.get_parameters()["tcp_user_timeout"] == "10000"


@postgres
def test_a_lead_whose_session_has_ended_is_taken_again_on_a_new_one(leader):
    assert take_away() == [(1,)]
    assert not leader.hold()

    wait_until(leader.hold)


@postgres
def test_c8_a_leader_that_has_just_won_the_lead_keeps_it_though_the_one_before_was_silent(leader, db, monkeypatch):
    """Of three tickers, the second took the lead from the first, which had just won it."""
    seconds = [0.0]
    monkeypatch.setattr(leading, "steady_s", lambda: seconds[-1])
    first, second = candidate(), candidate()
    assert [first.hold(), second.hold()] == [False, False]  # both begin to count

    seconds.append(SILENT_S + 0.5)
    leader.give_up()
    wait_until(first.hold)
    for later_s in (0, SILENT_S):
        seconds.append(SILENT_S + 0.5 + later_s)
        assert not second.hold()
        assert first.hold()

    seconds.append(2 * SILENT_S + 0.6)  # the new leader, too, has given no sign for so long
    assert not second.hold()
    wait_until(second.hold)
    assert not first.hold()
    second.give_up()


@postgres
def test_the_lock_of_a_session_that_was_not_silent_is_not_taken_away(leader):
    assert fetch(TAKE_AWAY, (0,)) == [(0,)]
    assert leader.hold()
