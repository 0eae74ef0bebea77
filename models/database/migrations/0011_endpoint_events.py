"""The endpoint of each event, by which waiting events are found when the endpoint is changed, disabled or deleted."""

from typing import Any

STATEMENTS = (
    "ALTER TABLE job ADD COLUMN endpoint_id BIGINT",
    "ALTER TABLE endpoint ADD COLUMN deleted_at BIGINT",
    "ALTER TABLE endpoint ADD COLUMN unsettled_at BIGINT",
    "CREATE INDEX endpoint_unsettled ON endpoint (unsettled_at) WHERE unsettled_at IS NOT NULL",
)
LARGE_INDEXES = (
    "CREATE INDEX job_endpoint ON job (endpoint_id, held_until) WHERE endpoint_id IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable', 'executing')",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
