"""What is called after a commit, who has the turn to write on SQLite, and how long a block waits for the database."""

from contextlib import contextmanager, suppress

import pytest

from models.database.connection import answered_within, database, without_limits
from models.database.sql import fetch
from models.database.transactions import after_commit, transaction, wait_briefly_for_locks, write_turn
from models.rules import clock


@pytest.fixture
def notes():
    return []


def failing(block):
    """Run the block in a transaction that fails at its end."""
    with suppress(LookupError), transaction():
        block()
        raise LookupError


def test_calls_come_once_in_their_order_after_the_outermost_commit(db, notes):
    with transaction():
        after_commit(lambda: notes.append(1))
        with transaction():
            after_commit(lambda: notes.append(2))
        after_commit(lambda: notes.append(3))
        assert notes == []
    with transaction():
        pass

    assert notes == [1, 2, 3]


def test_a_call_finds_the_transaction_committed(db, notes):
    with transaction():
        after_commit(lambda: notes.append(database.in_transaction()))

    assert notes == [False]


def test_the_calls_of_a_block_that_failed_are_dropped_and_those_around_it_stay(db, notes):
    with transaction():
        after_commit(lambda: notes.append("before"))
        failing(lambda: after_commit(lambda: notes.append("of the block")))
        after_commit(lambda: notes.append("behind"))

    assert notes == ["before", "behind"]


def test_no_call_of_a_transaction_that_failed_is_left_for_the_next(db, notes):
    failing(lambda: after_commit(lambda: notes.append("of the failed one")))
    with transaction():
        after_commit(lambda: notes.append("of the next"))

    after_commit(lambda: notes.append("of none"))

    assert notes == ["of the next", "of none"]


def test_a_call_may_ask_for_another(db, notes):
    with transaction():
        after_commit(lambda: after_commit(lambda: notes.append("another")))

    assert notes == ["another"]


sqlite = pytest.mark.parametrize("db", ["sqlite"], indirect=True)
postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)


@sqlite
@pytest.mark.parametrize("turn", [transaction, write_turn])
def test_a_writer_of_sqlite_has_its_turn_since_its_outermost_block_began(db, moved_clock, turn):
    began = clock.now()
    with turn():
        moved_clock.advance(seconds=5)
        with transaction():
            assert database.obj.writes_since == began
        assert database.obj.writes_since == began
    assert database.obj.writes_since is None


@sqlite
def test_a_writer_of_sqlite_that_failed_has_no_turn_any_more(db):
    failing(lambda: None)

    assert database.obj.writes_since is None


def limits():
    return {name: fetch(f"SHOW {name}")[0][0] for name in ("statement_timeout", "lock_timeout")}


@postgres
@pytest.mark.parametrize(("limit_ms", "lock_timeout"), [((), "2s"), ((None,), "2s"), ((70,), "70ms"), ((3000,), "3s")])
def test_a_lock_is_waited_for_as_long_as_was_said_until_the_transaction_ends(db, limit_ms, lock_timeout):
    usual = limits()
    with transaction():
        wait_briefly_for_locks(*limit_ms)
        assert limits() == {**usual, "lock_timeout": lock_timeout}
    assert limits() == usual


@contextmanager
def waiting_without_limits():
    with transaction(), without_limits():
        yield


@postgres
@pytest.mark.parametrize(("block", "reply_s"), [(lambda: answered_within(1.5), 1.5), (waiting_without_limits, None)])
@pytest.mark.parametrize("error", [None, LookupError()])
def test_what_a_block_changes_of_the_wait_for_an_answer_ends_with_the_block(db, block, reply_s, error):
    usual_s = database.connection().reply_s

    with suppress(LookupError), block():
        assert database.connection().reply_s == reply_s
        if error:
            raise error

    assert database.connection().reply_s == usual_s


@postgres
def test_a_migration_waits_as_long_as_it_takes_within_its_transaction_alone(db):
    usual = limits()
    with transaction():
        with without_limits():
            assert limits() == {"statement_timeout": "0", "lock_timeout": "0"}
    assert limits() == usual


@sqlite
def test_on_sqlite_neither_block_changes_anything(db):
    with answered_within(1.5), without_limits():
        assert fetch("SELECT 1") == [(1,)]
