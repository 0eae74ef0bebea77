"""Says in a word how a schedule is doing, from its row and the results of its latest runs."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from models.schedules.firing_rows import CANCELLED, FIRED, LATE, MISFIRED, MISSED, OVERLAPPED, PAUSED, FiringRow
from models.schedules.firing_rows import DISABLED as LEFT_OUT
from models.schedules.health import DISABLED, FINISHED, Enabled, state_of
from models.schedules.run_results import GOOD, RETRYING, RUNNING

NEEDY = ("late", "discarded")  # looks of a schedule that somebody should look at
INCONCLUSIVE = (RUNNING, CANCELLED, OVERLAPPED, LEFT_OUT)  # results that say nothing of how a schedule is doing
HELD_BACK, BEHIND, TRIED_AGAIN, ON_TIME = "held back", "late", "retrying", "on time"


class Health(NamedTuple):
    """A word, and the class by which it is colored."""

    word: str
    look: str


class Fares(Enabled, Protocol):
    """What of a schedule says how it is doing, besides its runs. `failures`: how many in a row failed."""

    @property
    def failures(self) -> int: ...


def health(schedule: Fares, runs: Sequence[FiringRow]) -> Health:
    """`runs`: the latest, with their results, oldest first. The latest that says anything decides. A run whose job
    was deleted counts as a success, unless the job had failed."""
    state = state_of(schedule)
    if state == DISABLED:
        return Health(state, "cancelled")
    if schedule.failures:
        return Health(f"failing ({schedule.failures})" if schedule.failures > 1 else "failed", "discarded")
    if state == FINISHED:
        return Health(state, "cancelled")
    latest = next((run.status for run in reversed(runs) if run.status not in INCONCLUSIVE), None)
    if latest == PAUSED:
        return Health(HELD_BACK, "late")
    if latest in (LATE, MISFIRED, MISSED):
        return Health(BEHIND, "late")
    if latest == RETRYING:
        return Health(TRIED_AGAIN, "late")
    return Health(ON_TIME if latest in (*GOOD, FIRED) else state, "enabled")
