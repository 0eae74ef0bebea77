"""BOOPER_HOLD: nothing is planned, sent or deleted, and what an owner asks for is done all the same."""

import pytest

from models.operations import ticker_row
from models.operations.leader import candidate
from models.rules import clock
from tests.support.operations import counts_of, order_operation, reread_operation
from tests.support.rows import make_job, reread
from tests.support.waiting import wait_until
from workers.embedded import Held


@pytest.fixture
def held(db):
    system = Held()
    system.start()
    yield system
    system.stop()


def next_sign_of_life():
    """Wait until the ticker has made two more rounds: what it does in a round, it has done."""
    for _ in range(2):
        before = clock.now()
        wait_until(lambda before=before: ticker_row.seen_at() > before, what="a sign of life of the ticker")


def test_a_due_job_stays_as_it_is(account, held):
    job = make_job(account, due_in_s=-60)
    as_stored = reread(job).__data__

    next_sign_of_life()

    assert reread(job).__data__ == as_stored


def test_a_job_that_was_under_way_at_the_backup_stays_as_it_is(account, held):
    job = make_job(account, "executing", due_in_s=-60, lease_until=clock.now() - clock.DAY)

    next_sign_of_life()

    assert reread(job).state == "executing"


def test_another_ticker_leads_once_a_held_one_has_stopped(db):
    system = Held()
    system.start()
    next_sign_of_life()

    system.stop()

    other = candidate()
    assert other.hold()
    other.give_up()


def test_what_an_owner_cancels_is_cancelled(account, held):
    job = make_job(account, "scheduled", 60)

    operation = order_operation(account)

    wait_until(lambda: reread_operation(operation).state == "done", what="the end of the operation")
    assert counts_of(reread_operation(operation)) == ("done", 1, 0)
    assert reread(job).state == "cancelled"
