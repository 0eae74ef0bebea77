"""The jobs of schedules whose requests are under way: a schedule's next job waits for them."""

from typing import Any

LARGE_INDEXES = (
    "CREATE INDEX job_under_way ON job (schedule_id) WHERE schedule_id IS NOT NULL AND lease_until IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:
    """The table stays as it is."""
