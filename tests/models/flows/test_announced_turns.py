"""The turn that an explanation tells for a job of a flow with a rate is when it really starts, within a second."""

import pytest

from models.flows.late_starts import SentJob, correct
from models.flows.waits import waits_of
from models.rules import clock
from tests.support.flows import flow, ids_through, let_through, next_turns, order

STEP_S, STEPS = 0.25, 200


def started_at(moved_clock, wanted, late_us):
    """When the job starts, if the ticker looks each quarter of a second and each request goes out so late."""
    for _ in range(STEPS):
        moved_clock.advance(seconds=STEP_S)
        due = [job_id for job_id, _ in next_turns(ahead_s=STEP_S)]
        claims = let_through(due)
        correct([SentJob(claim, claim.start.at + late_us) for claim in claims])
        for claim in claims:
            if claim.id == wanted:
                return claim.start.at + late_us
    raise AssertionError("the job did not start")


@pytest.mark.parametrize("late_ms", [0, 40])
def test_a_turn_that_was_told_is_when_the_job_starts(account, moved_clock, late_ms):
    ids = order(account, flow(rate=2, per_s=5), count=15)
    ids_through(ids)

    [wait] = waits_of(ids[-1], clock.now())
    at = started_at(moved_clock, ids[-1], late_ms * clock.MILLISECOND)

    assert wait.code == "flow_rate"
    assert abs(at - wait.at) <= clock.SECOND
