"""A far job never delays a near one, in either mode."""

import statistics

import pytest

from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, WEEK, spread
from tests.support.journeys.ledger import History, recorded
from tests.support.waiting import wait_until

FAR = 50_000
NEAR = 5
TOO_LATE_US = 5 * SECOND  # behind the far ones they would wait for a week


@pytest.mark.alone
def test_fifty_thousand_far_jobs_do_not_delay_a_near_one(either_mode):
    """Five near ones, for this machine may pause one; the look-ahead defect would delay them all."""
    either_mode.copies("far", FAR, "scheduled", now_us() + WEEK)
    near = either_mode.order(list(spread(NEAR, now_us() + SECOND, 0.5)))
    either_mode.await_arrivals(NEAR, 60)
    wait_until(
        lambda: len(either_mode.client.get("/api/jobs?state=completed")["data"]) == NEAR, 60, "the near jobs to end"
    )
    arrivals, _ = either_mode.receiver.stopped_ledger()

    lateness = checker.lateness_us(History(created=near, arrivals=arrivals))

    assert checker.never_early(History(created=near, arrivals=arrivals)) == []
    assert lateness["p50"] < TOO_LATE_US
    assert statistics.median(recorded_lateness_us(either_mode)) < TOO_LATE_US


def recorded_lateness_us(journey):
    """attempted_at minus scheduled_at of the completed jobs, as the API shows them."""
    jobs = [recorded(outer) for outer in journey.client.get("/api/jobs?state=completed")["data"]]
    return [job.attempted_at - job.scheduled_at for job in jobs]
