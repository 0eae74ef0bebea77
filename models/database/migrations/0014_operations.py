"""What is done to all jobs of a filter."""

from typing import Any

PER_DATABASE = {
    "postgresql": {"serial": "BIGSERIAL PRIMARY KEY", "uuid": "UUID"},
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "uuid": "TEXT"},
}
STATEMENTS = (
    "CREATE TABLE operation (id {serial}, uuid {uuid} NOT NULL UNIQUE, account_id BIGINT NOT NULL, "
    "action TEXT NOT NULL, sent TEXT NOT NULL, job_filter TEXT NOT NULL, at_most BIGINT, state TEXT NOT NULL, "
    "place_at BIGINT, place_id BIGINT, is_read INTEGER NOT NULL, held TEXT NOT NULL, done BIGINT NOT NULL, "
    "failed BIGINT NOT NULL, jobs_left BIGINT NOT NULL, more_left INTEGER NOT NULL, counted_at BIGINT NOT NULL, "
    "inserted_at BIGINT NOT NULL, ended_at BIGINT)",
    "CREATE INDEX operation_account ON operation (account_id, inserted_at, id)",
    "CREATE INDEX operation_running ON operation (account_id, id) WHERE state = 'running'",
    "CREATE INDEX operation_ended ON operation (ended_at) WHERE ended_at IS NOT NULL",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
