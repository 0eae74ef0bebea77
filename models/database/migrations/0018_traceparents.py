"""The trace in which a job was ordered."""

from typing import Any


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql("ALTER TABLE job ADD COLUMN traceparent TEXT")
