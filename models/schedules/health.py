"""Says how schedules fare: when each is due next, what came of its last run, and how many of the last succeeded."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from models.schedules import firing_rows
from models.schedules.firing_rows import FiringRow
from models.schedules.run_results import states_of
from models.schedules.schedule_store import ScheduleRow

ENABLED, DISABLED, FINISHED = "enabled", "disabled", "finished"
STATES = (ENABLED, DISABLED, FINISHED)
COMPLETED, DISCARDED = "completed", "discarded"
ENDED = (COMPLETED, DISCARDED)


class LastRun(NamedTuple):
    """The latest run whose job ended by itself: its instant, its job, and the state of that job."""

    fire_at: int
    job_id: int
    result: str


class Health(NamedTuple):
    """`next_at`: None unless the schedule is enabled. `success_rate`: of those of the latest runs (as many as the strip
    shows) whose jobs ended by themselves and are still kept; None when there is none."""

    state: str
    next_at: int | None
    last: LastRun | None
    failures: int
    success_rate: float | None


class Enabled(Protocol):
    """What of a schedule says whether it goes on."""

    @property
    def disabled_at(self) -> int | None: ...

    @property
    def next_at(self) -> int | None: ...


def state_of(row: Enabled) -> str:
    """A schedule without a next instant is finished, as its bounds say."""
    if row.disabled_at is not None:
        return DISABLED
    return FINISHED if row.next_at is None else ENABLED


def of_schedules(account_id: int, rows: Sequence[ScheduleRow]) -> dict[str, Health]:
    """By the id of the schedule. Two statements, however many schedules there are."""
    firings = firing_rows.latest([row.id for row in rows])
    states = states_of(account_id, [firing.job_id for each in firings.values() for firing in each])
    results = {job_id: state for job_id, state in states.items() if state in ENDED}
    return {row.id: _health(row, firings.get(row.id, []), results) for row in rows}


def _health(row: ScheduleRow, firings: Sequence[FiringRow], results: Mapping[int, str]) -> Health:
    ended = [
        LastRun(firing.fire_at, firing.job_id, results[firing.job_id])
        for firing in firings
        if firing.job_id is not None and firing.job_id in results
    ]
    good = sum(run.result == COMPLETED for run in ended)
    state = state_of(row)
    return Health(
        state,
        row.next_at if state == ENABLED else None,
        ended[-1] if ended else None,
        row.failures,
        good / len(ended) if ended else None,
    )
