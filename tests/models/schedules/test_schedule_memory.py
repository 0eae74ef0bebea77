"""What the end of a schedule's job means to alert rules."""

import pytest

from models.schedules import health_events, schedule_memory
from models.schedules.schedule_memory import FinishedJob, ScheduleMemory


@pytest.mark.parametrize(
    ("failures", "answer", "events"),
    [
        (0, b"", [(health_events.SUCCEEDED, 0, 0)]),  # it matters only to an incident that is open
        (2, b"", [(health_events.SUCCEEDED, 0, 1)]),  # after a failure it does, before an incident has opened too
        (2, None, [(health_events.FAILED, 3, 1)]),
    ],
)
def test_an_end_matters_to_alert_rules_where_it_is_a_failure_or_follows_one(failures, answer, events):
    before = ScheduleMemory("s", None, "{}", failures, None, 0, None, None)
    job = FinishedJob(1, 1, "s", 5, answer)
    after, _ = schedule_memory._after(before, job, 9)

    made = schedule_memory._health_events(before, after, job, 9)

    assert [(each.type, each.number, each.matters) for each in made] == events
