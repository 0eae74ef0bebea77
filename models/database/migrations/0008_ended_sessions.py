"""The sessions of the dashboard that were signed out before their cookie expired, by a digest of their token."""

from typing import Any

STATEMENTS = (
    "CREATE TABLE ended_session (digest TEXT PRIMARY KEY, forgotten_at BIGINT NOT NULL)",
    "CREATE INDEX ended_session_forgotten ON ended_session (forgotten_at)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
