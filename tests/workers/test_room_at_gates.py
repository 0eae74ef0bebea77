"""Whatever ends a claim, or a job that waits, has the ticker look at once who of its flow and its lane may go next.

Without that the next one waits until the ticker finds a gate that nobody woke.
"""

import pytest

from models.jobs import lifecycle
from models.jobs.job_tables import Job
from models.operations import cancelling
from models.rules import clock
from tests.support.flows import MARGIN, keys_awake, lane, let_through, order, order_with_two_behind, sleep_all
from tests.support.results import answered, result_of
from tests.support.rows import reread
from workers.delivery.last_look import withdraw_cancelled
from workers.delivery.recorder import record
from workers.ticker.rescuer import rescue_lost

LOST_AFTER_S = MARGIN / clock.SECOND + 3


def fail(claim, _clock):
    record([result_of(claim, answered(503))])


def cancel_while_it_waits_for_another_attempt(claim, moved_clock):
    fail(claim, moved_clock)
    sleep_all()
    cancelling.cancel(claim.account_id, claim.id, clock.now())


def cancel_before_it_is_sent(claim, _clock):
    cancelling.cancel(claim.account_id, claim.id, clock.now())
    sleep_all()
    withdraw_cancelled([claim])


def lose_the_worker(_claim, moved_clock):
    moved_clock.advance(seconds=LOST_AFTER_S)
    rescue_lost(clock.now())


def lose_the_worker_in_the_last_attempt(claim, moved_clock):
    Job.update(max_attempts=1).where(Job.id == claim.id).execute()
    lose_the_worker(claim, moved_clock)


def lose_the_worker_after_a_cancel(claim, moved_clock):
    cancelling.cancel(claim.account_id, claim.id, clock.now())
    sleep_all()
    lose_the_worker(claim, moved_clock)


ENDS = {  # what becomes of the claim, and the state of its job afterwards
    "it fails": (fail, "retryable"),
    "it succeeds": (lambda claim, _clock: record([result_of(claim, answered())]), "completed"),
    "it is cancelled": (cancel_while_it_waits_for_another_attempt, "cancelled"),
    "it is withdrawn": (cancel_before_it_is_sent, "cancelled"),
    "it is rescued": (lose_the_worker, "available"),
    "it is given up": (lose_the_worker_in_the_last_attempt, "discarded"),
    "it ends after a cancel": (lose_the_worker_after_a_cancel, "cancelled"),
}


@pytest.mark.parametrize("end", ENDS)
def test_who_waits_behind_a_job_is_looked_at_when_its_attempt_or_the_job_has_ended(account, moved_clock, end):
    ids = order_with_two_behind(account)
    Job.update(timeout_ms=1000, args='{"url": "https://a.example/"}').execute()
    [claim] = let_through(ids)
    sleep_all()
    act, state = ENDS[end]

    act(claim, moved_clock)

    assert reread(claim).state == state
    assert keys_awake() == {"shop", "user"}


def test_nobody_is_woken_by_jobs_without_gates(account, moved_clock):
    waiting = order(account, lane("user"), count=2)
    let_through(waiting)
    sleep_all()
    [claim] = lifecycle.claim(order(account), clock.now(), MARGIN)

    record([result_of(claim._replace(args='{"url": "https://a.example/"}'), answered())])

    assert keys_awake() == set()
