"""Which process watches over Booper for its operator, and when it looked last."""

from typing import Any

STATEMENTS = (
    "CREATE TABLE operator_watch (id INTEGER PRIMARY KEY, watcher TEXT NOT NULL, looked_at BIGINT NOT NULL)",
    "INSERT INTO operator_watch (id, watcher, looked_at) VALUES (1, '', 0)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
