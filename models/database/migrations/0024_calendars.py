"""Named calendars, and the days that a schedule does not run because of those it names."""

from typing import Any

SERIAL = {"postgresql": "BIGSERIAL PRIMARY KEY", "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT"}
STATEMENTS = (
    "CREATE TABLE calendar (id {serial}, account_id BIGINT NOT NULL, name TEXT NOT NULL, days TEXT NOT NULL, "
    "created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL, UNIQUE (account_id, name))",
    "ALTER TABLE schedule ADD COLUMN calendar_days TEXT",
    "CREATE INDEX schedule_calendars ON schedule (account_id) WHERE calendar_days IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(serial=SERIAL[db.dialect]))
