"""Says in a word how a schedule is doing, from its row and the results of its latest runs."""

from collections.abc import Sequence
from typing import NamedTuple

from models.schedules.firing_rows import LATE, MISFIRED, MISSED, PAUSED, FiringRow
from models.schedules.health import DISABLED, FINISHED, state_of
from models.schedules.run_results import RETRYING, RUNNING, SUCCEEDED
from models.schedules.schedule_store import ScheduleRow

NEEDY = ("late", "discarded")  # looks of a schedule that somebody should look at


class Health(NamedTuple):
    """A word, and the class by which it is colored."""

    word: str
    look: str


def health(schedule: ScheduleRow, runs: Sequence[FiringRow]) -> Health:
    """`runs`: the latest, with their results, oldest first. What still goes on says nothing yet."""
    state = state_of(schedule)
    if state == DISABLED:
        return Health(state, "cancelled")
    if schedule.failures:
        return Health(f"failing ({schedule.failures})" if schedule.failures > 1 else "failed", "discarded")
    if state == FINISHED:
        return Health(state, "cancelled")
    latest = next((run.status for run in reversed(runs) if run.status != RUNNING), None)
    if latest == PAUSED:
        return Health("held back", "late")
    if latest in (LATE, MISFIRED, MISSED):
        return Health("late", "late")
    if latest == RETRYING:
        return Health("retrying", "late")
    return Health("on time" if latest == SUCCEEDED else state, "enabled")
