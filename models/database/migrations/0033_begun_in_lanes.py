"""Finds the job of a lane that has begun and is not final: jobs that were created before it may have come since."""

from typing import Any

LARGE_INDEXES = (
    "CREATE INDEX job_lane_begun ON job (lane_id, attempted_at) WHERE lane_id IS NOT NULL AND attempted_at IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable', 'executing')",
)


def up(migrator: Any, db: Any) -> None:
    """Nothing but the index."""
