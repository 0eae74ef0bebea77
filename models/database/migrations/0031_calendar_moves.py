"""How far a change of a calendar has come among the schedules that name it."""

from typing import Any

UUID = {"postgresql": "UUID", "sqlite": "TEXT"}
STATEMENTS = (
    "ALTER TABLE calendar ADD COLUMN moved_to {uuid}",
    "CREATE INDEX calendar_moving ON calendar (id) WHERE moved_to IS NOT NULL",
    "DROP INDEX schedule_calendars",
    "CREATE INDEX schedule_calendars ON schedule (account_id, id) WHERE calendar_days IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(uuid=UUID[db.dialect]))
