"""The turns of the planner: all that is due, but no longer than others may wait."""

import pytest

from models.jobs.job_tables import Job
from models.rules import clock
from tests.support.schedule_rows import create_schedule
from workers.ticker import planner


@pytest.fixture
def due(account, moved_clock, monkeypatch):
    """Five schedules whose instant has come, of which two are planned at once."""
    monkeypatch.setattr(planner, "SCHEDULES_AT_ONCE", 2)
    for _ in range(5):
        create_schedule(account)


def test_one_turn_plans_all_that_is_due(due):
    assert planner.plan_due(clock.now()) == 5
    assert Job.select().count() == 10
    assert planner.plan_due(clock.now()) == 0


def test_a_turn_that_lasts_long_leaves_the_rest_to_the_next(due, monkeypatch):
    """Staging waits for it."""
    monkeypatch.setattr(planner, "LONGEST_TURN_S", -1)
    assert [planner.plan_due(clock.now()) for _ in range(4)] == [2, 2, 1, 0]


def test_what_can_not_begin_any_more_is_cancelled_in_parts(due, monkeypatch, caplog):
    monkeypatch.setattr(planner, "EXPIRED_AT_ONCE", 3)
    Job.update(start_by=clock.now() - 1).execute()
    assert [planner.expire(clock.now()) for _ in range(3)] == [3, 2, 0]
    assert caplog.text.count("could not begin in time") == 2
