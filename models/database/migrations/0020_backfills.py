"""Backfills: past instants of a schedule that are made up for, one after another."""

from typing import Any

PER_DATABASE = {
    "postgresql": {"serial": "BIGSERIAL PRIMARY KEY", "uuid": "UUID"},
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "uuid": "TEXT"},
}
STATEMENTS = (
    "CREATE TABLE backfill (id {serial}, uuid {uuid} NOT NULL UNIQUE, account_id BIGINT NOT NULL, "
    "schedule_id {uuid} NOT NULL, first_at BIGINT NOT NULL, last_at BIGINT NOT NULL, instants TEXT NOT NULL, "
    "size INTEGER NOT NULL, inserted_at BIGINT NOT NULL, state TEXT NOT NULL, looked_at INTEGER NOT NULL, "
    "made INTEGER NOT NULL, job_id BIGINT, ended_at BIGINT)",
    "CREATE INDEX backfill_schedule ON backfill (schedule_id, id)",
    "CREATE UNIQUE INDEX backfill_running ON backfill (schedule_id) WHERE state = 'running'",
    "CREATE INDEX backfill_ended ON backfill (ended_at) WHERE ended_at IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
