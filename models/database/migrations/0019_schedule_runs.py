"""How many instants of a schedule got a job, for those that may have only so many."""

from typing import Any


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql("ALTER TABLE schedule ADD COLUMN runs BIGINT NOT NULL DEFAULT 0")
