"""What a job's owner counts as success, and which statuses end the job at once."""

from typing import Any


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql("ALTER TABLE job ADD COLUMN judging TEXT")
