"""Acknowledgements of targets: which are taken, and how long a job waits for one."""

import pytest

from models.database.sql import fetch
from models.jobs import lifecycle
from models.operations import acks, cancelling, explain
from models.operations.acks import Taken
from models.rules import clock
from models.rules.clock import DAY, SECOND
from models.rules.times import format_instant
from tests.support.acks import WITHIN_S, acknowledge, answer_later, waiting
from tests.support.flows import flow, let_through, order
from tests.support.races import at_once
from tests.support.rows import claim_job, claim_of, make_job, reread, stage_all
from workers.ticker.acknowledger import end_acknowledged, end_overdue
from workers.ticker.rescuer import Rescuer, rescue_lost


def test_a_job_whose_target_acknowledges_later_stays_under_way_without_a_worker(account, moved_clock):
    claim = waiting(account)
    job = reread(claim)
    assert (job.state, job.claim_id) == ("executing", claim.claim_id)
    assert job.ack_until == job.lease_until == clock.now() + WITHIN_S * SECOND


def test_a_job_that_waits_is_not_sent_again(account, moved_clock):
    claim = waiting(account)
    moved_clock.advance(seconds=WITHIN_S - 1)
    assert stage_all() == []
    assert lifecycle.claim([claim.id], clock.now(), SECOND) == []
    assert rescue_lost(clock.now()) == Rescuer().rescue_lost(clock.now(), clock.now()) == 0


def test_an_acknowledgement_is_taken_once(account, moved_clock):
    claim = waiting(account)
    assert acknowledge(claim) == Taken.ACCEPTED
    assert acknowledge(claim, succeeded=False) == Taken.SECOND
    end_acknowledged(clock.now())
    assert acknowledge(claim) == Taken.SECOND
    assert reread(claim).state == "completed"


def test_of_acknowledgements_at_the_same_moment_one_is_taken(account):
    claim = waiting(account)
    taken = at_once(*[lambda: acknowledge(claim)] * 8)
    assert sorted(each.name for each in taken) == ["ACCEPTED"] + ["SECOND"] * 7


def test_one_that_comes_before_the_answer_is_recorded_waits_for_it(account, moved_clock):
    claim = claim_job(account, ack_within_us=WITHIN_S * SECOND)
    assert acknowledge(claim, body=b"early") == Taken.ACCEPTED
    assert end_acknowledged(clock.now()) == 0
    assert reread(claim).state == "executing"

    answer_later(claim)

    assert end_acknowledged(clock.now()) == 1
    assert reread(claim).state == "completed"


def test_one_that_is_late_is_not_taken(account, moved_clock):
    claim = waiting(account)
    moved_clock.advance(seconds=WITHIN_S + 1)
    assert acknowledge(claim) == Taken.LATE
    end_overdue(clock.now(), 0, clock.now())
    assert acknowledge(claim) == Taken.LATE
    assert reread(claim).state == "retryable"


def test_one_in_time_counts_even_if_the_ticker_looks_after_the_deadline(account, moved_clock):
    claim = waiting(account)
    moved_clock.advance(seconds=WITHIN_S)
    assert acknowledge(claim) == Taken.ACCEPTED
    moved_clock.advance(days=1)
    assert end_overdue(clock.now(), 0, clock.now()) == 0
    assert end_acknowledged(clock.now()) == 1


def test_one_that_came_early_counts_even_if_the_ticker_looks_after_the_deadline(account, moved_clock):
    claim = claim_job(account, ack_within_us=WITHIN_S * SECOND)
    acknowledge(claim)
    answer_later(claim)
    moved_clock.advance(days=1)
    assert end_overdue(clock.now(), 0, clock.now()) == 0
    assert end_acknowledged(clock.now()) == 1


def test_one_for_an_earlier_attempt_does_not_count_for_the_next(account, moved_clock):
    first = waiting(account)
    moved_clock.advance(seconds=WITHIN_S + 1)
    end_overdue(clock.now(), 0, clock.now())
    moved_clock.advance(minutes=5)
    second = answer_later(claim_of(first))

    assert acknowledge(first) == Taken.LATE
    assert end_acknowledged(clock.now()) == 0
    assert reread(second).ack_until is not None


def test_one_of_a_job_that_ended_otherwise_is_settled_and_changes_nothing(account, moved_clock):
    claim = claim_job(account, ack_within_us=WITHIN_S * SECOND)
    acknowledge(claim, succeeded=False)
    lifecycle.complete([claim], clock.now())
    assert end_acknowledged(clock.now()) == 0
    assert reread(claim).state == "completed"
    assert fetch("SELECT settled_at FROM ack") == [(clock.now(),)]


def test_a_job_that_waits_is_cancelled_at_once_and_holds_nothing(account, moved_clock):
    claim = waiting(account)
    cancelling.cancel(account.id, claim.id, clock.now())
    job = reread(claim)
    assert (job.state, job.claim_id, job.lease_until, job.ack_until) == ("cancelled", None, None, None)
    assert acknowledge(claim) == Taken.CANCELLED


def test_a_job_that_was_acknowledged_and_then_cancelled_stays_cancelled(account, moved_clock):
    claim = waiting(account)
    acknowledge(claim)
    cancelling.cancel(account.id, claim.id, clock.now())
    assert end_acknowledged(clock.now()) == 0
    assert reread(claim).state == "cancelled"


def test_a_request_under_way_keeps_its_claim_when_its_job_is_cancelled(account, moved_clock):
    claim = claim_job(account, ack_within_us=WITHIN_S * SECOND)
    cancelling.cancel(account.id, claim.id, clock.now())
    assert reread(claim).claim_id == claim.claim_id

    answer_later(claim)

    assert (reread(claim).state, reread(claim).claim_id) == ("cancelled", None)


def test_a_job_that_waits_counts_as_under_way_for_its_flow(account, moved_clock):
    first, second = order(account, flow(concurrency=1), count=2)
    [claim] = let_through([first])
    claim = answer_later(claim._replace(ack_within_us=WITHIN_S * SECOND, args='{"url": "https://a.example/"}'))
    assert let_through([second]) == []

    acknowledge(claim)
    end_acknowledged(clock.now())

    assert [job.id for job in let_through([second])] == [second]


def test_a_stopping_process_gives_back_no_job_that_waits(account, moved_clock):
    claim = waiting(account)
    assert lifecycle.release([claim]) == set()
    lifecycle.give_back_unknown([claim.id], claim.claim_id)
    assert reread(claim).state == "executing"


def test_explain_says_that_a_job_waits_for_its_target(account, moved_clock):
    claim = waiting(account)
    [reason] = explain.explain(explain.facts_of(account.id, claim.id, clock.now()), clock.now())
    assert reason.code == "waits_for_ack"
    assert format_instant(clock.now() + WITHIN_S * SECOND) in reason.text


@pytest.mark.parametrize(("age_days", "left"), [(0.9, 1), (1.1, 0)])
def test_acknowledgements_are_deleted_after_a_day(account, moved_clock, age_days, left):
    claim = waiting(account)
    acknowledge(claim)
    end_acknowledged(clock.now())
    moved_clock.now += int(age_days * DAY)
    assert acks.prune(10, clock.now()) == 1 - left


def test_an_acknowledgement_that_is_not_settled_is_not_deleted(account, moved_clock):
    acknowledge(waiting(account))
    moved_clock.advance(days=2)
    assert acks.prune(10, clock.now()) == 0


def test_a_job_that_is_gone_has_no_time_left(account, moved_clock):
    claim = waiting(account)
    make_job(account)
    reread(claim).delete_instance()
    assert acknowledge(claim) == Taken.LATE
