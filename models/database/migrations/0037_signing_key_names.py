"""The names that owners give their signing keys."""

from typing import Any


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql("ALTER TABLE signing_key ADD COLUMN name TEXT")
