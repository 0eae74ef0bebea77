"""Reads the jobs of schedules that are due and wait, and says of each whether it was missed."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.sql import any_of, fetch
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules.lateness import LATE_AFTER_US


class ReadyJob(NamedTuple):
    """A waiting job of a schedule that is due."""

    id: int
    schedule_id: str
    fire_at: int
    scheduled_at: int
    attempted_at: int | None
    inserted_at: int
    start_by: int | None
    lane_id: int | None

    @property
    def is_new(self) -> bool:
        return self.attempted_at is None

    def due_at(self, offset_us: int) -> int:
        """When it was due. The row of a job that was made too late says only when it was made."""
        return min(self.scheduled_at, self.fire_at + offset_us)

    def is_missed(self, offset_us: int, now: int) -> bool:
        """Whether it could not begin within a minute. A run that its owner ordered stands for no instant: it begins
        whenever it can."""
        return self.is_new and self.start_by is not None and now - self.due_at(offset_us) > LATE_AFTER_US


def ready_jobs(column: str, values: Sequence[Any], now: int, condition: str = "true") -> list[ReadyJob]:
    """The jobs whose `id` or `schedule_id` is one of the values, oldest instant first."""
    if not values:
        return []
    these, id_set = any_of("id", values) if column == "id" else (is_in(column, values), None)
    rows = fetch(
        f"SELECT {', '.join(ReadyJob._fields)} FROM job WHERE {these} AND fire_at IS NOT NULL AND {WAITING_SQL} "
        f"AND {LIVE_SQL} AND schedule_id IS NOT NULL AND scheduled_at <= %s "
        f"AND (start_by IS NULL OR start_by >= %s) AND {condition} "
        "ORDER BY fire_at, id",
        (*([id_set] if column == "id" else values), now, now),
    )
    return [ReadyJob(row[0], str(row[1]), *row[2:]) for row in rows]


def is_in(column: str, values: Sequence[Any]) -> str:
    """The condition that a column has one of so many values."""
    return f"{column} IN ({', '.join(['%s'] * len(values))})"
