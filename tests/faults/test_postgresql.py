"""F5: PostgreSQL restarted, crashed, and without a free connection: all under a steady load."""

import time

import pytest

from tests.support.faults.asking import Load
from tests.support.faults.report import note
from tests.support.faults.scale import FULL, PATIENCE
from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND

AWAY_SECONDS = 3
RECOVERY_US = PATIENCE * 10 * SECOND


def restarted_fast(cluster):
    cluster.stop("fast")
    time.sleep(AWAY_SECONDS)
    cluster.start()


def restarted_after_a_crash(cluster):
    cluster.stop("immediate")
    time.sleep(AWAY_SECONDS)
    cluster.start()


def without_a_backend(cluster):
    cluster.kill_backend()


def exhausted(cluster):
    with cluster.exhausted():
        time.sleep(AWAY_SECONDS)


FAULTS = (restarted_fast, restarted_after_a_crash, without_a_backend, exhausted)


@pytest.mark.alone
@pytest.mark.parametrize("fault", FAULTS if FULL else [restarted_after_a_crash], ids=lambda fault: fault.__name__)
def test_f5_jobs_survive_what_happens_to_postgresql_and_the_api_says_so(production_on_cluster, cluster, fault):
    """A create is answered 201 and kept, or 503 with Retry-After; a process that lives repeats nothing."""
    journey = production_on_cluster
    with Load(journey) as load:
        load.lasts(2)
        fault(cluster)
        back_at = now_us()
        load.lasts(6)
    history = journey.settle(60)
    answers, first_ok_at = journey.client.answers, first_created_after(journey, back_at)
    overdue = overdue_arrivals(history, back_at)
    statuses = dict(journey.client.statuses())
    recovery_ms = {"api_back_ms": (first_ok_at - back_at) // 1000, "jobs_back_ms": max(overdue, default=0) // 1000}

    note(f"F5 PostgreSQL {fault.__name__}", history, statuses=statuses, **recovery_ms)

    assert set(statuses) <= {201, 503}
    assert all(answer.retry_after for answer in answers if answer.status == 503)
    assert checker.check(history) == []
    assert first_ok_at - back_at <= RECOVERY_US
    assert max(overdue, default=0) <= RECOVERY_US


def first_created_after(journey, at):
    return min(answer.at for answer in journey.client.answers if answer.status == 201 and answer.at >= at)


def overdue_arrivals(history, back_at):
    """How long after the database was back the jobs arrived that had been due before."""
    due = {create.nonce: create.due_at for create in history.created}
    return [a.at - back_at for a in history.arrivals if due[a.nonce] <= back_at < a.at]
