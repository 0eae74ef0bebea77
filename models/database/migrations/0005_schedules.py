"""Schedules, the results of their instants, and the two columns that tie a job to an instant.

`job_fire_at` guarantees that no instant fires twice. A job that was cancelled before any attempt does not hold its
instant, so that a schedule that is changed or enabled again may make another job for it.
"""

from typing import Any

PER_DATABASE = {"postgresql": {"uuid": "UUID", "blob": "BYTEA"}, "sqlite": {"uuid": "TEXT", "blob": "BLOB"}}
STATEMENTS = (
    "CREATE TABLE schedule (id {uuid} NOT NULL PRIMARY KEY, account_id BIGINT NOT NULL, key TEXT, name TEXT, "
    "description TEXT, args TEXT NOT NULL, body {blob}, content_type TEXT, template TEXT NOT NULL, "
    "frequency TEXT NOT NULL, next_at BIGINT, offset_us BIGINT NOT NULL, overlap TEXT NOT NULL, misfire TEXT NOT NULL, "
    "catch_up_us BIGINT NOT NULL, disable_after INTEGER, failures INTEGER NOT NULL, previous TEXT, "
    "state TEXT NOT NULL, inserted_at BIGINT NOT NULL, enabled_at BIGINT NOT NULL, disabled_at BIGINT)",
    "CREATE UNIQUE INDEX schedule_key ON schedule (account_id, key) WHERE key IS NOT NULL",
    "CREATE INDEX schedule_account ON schedule (account_id, inserted_at, id)",
    "CREATE INDEX schedule_next ON schedule (next_at) WHERE next_at IS NOT NULL AND disabled_at IS NULL",
    "CREATE TABLE firing (schedule_id {uuid} NOT NULL, fire_at BIGINT NOT NULL, status TEXT NOT NULL, job_id BIGINT, "
    "lateness_us BIGINT, decided_at BIGINT NOT NULL, until_at BIGINT, instants BIGINT, "
    "PRIMARY KEY (schedule_id, fire_at))",
    "CREATE INDEX firing_decided ON firing (decided_at)",
    "ALTER TABLE job ADD COLUMN fire_at BIGINT",
    "ALTER TABLE job ADD COLUMN start_by BIGINT",
    "CREATE UNIQUE INDEX job_fire_at ON job (schedule_id, fire_at) WHERE fire_at IS NOT NULL "
    "AND (state <> 'cancelled' OR attempted_at IS NOT NULL)",
    "CREATE INDEX job_start_by ON job (start_by) WHERE start_by IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable')",
    "CREATE INDEX job_of_schedule ON job (schedule_id, fire_at) WHERE schedule_id IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable', 'executing')",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
