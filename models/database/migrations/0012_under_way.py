"""The jobs of schedules whose requests are under way: a schedule's next job waits for them."""

from typing import Any

STATEMENTS = (
    "CREATE INDEX job_under_way ON job (schedule_id) WHERE schedule_id IS NOT NULL AND lease_until IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
