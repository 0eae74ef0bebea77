"""Accounts, keys, jobs, attempts, log entries and the ticker's row.

An index that names a state spells it as a literal: SQLite takes a partial index only when the query does too.
"""

from typing import Any

PER_DATABASE = {
    "postgresql": {
        "serial": "BIGSERIAL PRIMARY KEY",
        "uuid": "UUID",
        "blob": "BYTEA",
        "real": "DOUBLE PRECISION",
    },
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "uuid": "TEXT", "blob": "BLOB", "real": "REAL"},
}
WAITING = "state IN ('available', 'scheduled', 'retryable')"
STATEMENTS = (
    "CREATE TABLE account (id {serial}, uuid {uuid} NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, "
    "created_at BIGINT NOT NULL)",
    "CREATE TABLE api_key (id {serial}, uuid {uuid} NOT NULL UNIQUE, "
    "account_id BIGINT NOT NULL REFERENCES account (id), name TEXT NOT NULL, sha256 VARCHAR(64) NOT NULL UNIQUE, "
    "shown_as TEXT NOT NULL, created_at BIGINT NOT NULL, revoked_at BIGINT)",
    "CREATE INDEX api_key_account ON api_key (account_id)",
    "CREATE TABLE job (id {serial}, uuid {uuid} NOT NULL, account_id BIGINT NOT NULL, kind TEXT NOT NULL, "
    "name TEXT, description TEXT, idempotency_key TEXT, schedule_id {uuid}, args TEXT NOT NULL, body {blob}, "
    "content_type TEXT, host TEXT NOT NULL DEFAULT '', hops INTEGER NOT NULL DEFAULT 0, "
    "max_attempts INTEGER NOT NULL, timeout_ms INTEGER NOT NULL, "
    "backoff TEXT, retry_until BIGINT, redact TEXT, inserted_at BIGINT NOT NULL, "
    "state TEXT NOT NULL, scheduled_at BIGINT NOT NULL, held_until BIGINT, attempt INTEGER NOT NULL, "
    "crashes INTEGER NOT NULL DEFAULT 0, attempted_at BIGINT, "
    "completed_at BIGINT, discarded_at BIGINT, cancelled_at BIGINT, staged_at BIGINT, staged_count INTEGER NOT NULL, "
    "claim_id BIGINT, lease_until BIGINT)",
    "CREATE UNIQUE INDEX job_uuid ON job (uuid)",
    "CREATE INDEX job_account ON job (account_id, kind, inserted_at, id)",
    "CREATE INDEX job_account_state ON job (account_id, kind, state, inserted_at, id)",
    "CREATE UNIQUE INDEX job_idempotency ON job (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL "
    "AND attempted_at IS NULL AND state IN ('available', 'scheduled')",
    f"CREATE INDEX job_unstaged ON job (COALESCE(held_until, scheduled_at), id) WHERE staged_at IS NULL AND {WAITING}",
    "CREATE INDEX job_staged ON job (staged_at) WHERE staged_at IS NOT NULL",
    "CREATE INDEX job_lease ON job (lease_until) WHERE lease_until IS NOT NULL",
    "CREATE TABLE attempt (job_id BIGINT NOT NULL, number INTEGER NOT NULL, started_at BIGINT NOT NULL, "
    "finished_at BIGINT NOT NULL, lateness_us BIGINT NOT NULL, outcome TEXT NOT NULL, status_code INTEGER, "
    "reason TEXT, dns_ms {real}, connect_ms {real}, tls_ms {real}, first_byte_ms {real}, total_ms {real}, "
    "next_at BIGINT, PRIMARY KEY (job_id, number))",
    "CREATE TABLE log_entry (uuid {uuid} NOT NULL PRIMARY KEY, account_id BIGINT NOT NULL, job_id BIGINT NOT NULL, "
    "schedule_id {uuid}, event TEXT NOT NULL, payload TEXT NOT NULL, inserted_at BIGINT NOT NULL)",
    "CREATE INDEX log_entry_account ON log_entry (account_id, inserted_at, uuid)",
    "CREATE INDEX log_entry_job ON log_entry (job_id)",
    "CREATE TABLE ticker (id INTEGER PRIMARY KEY, seen_at BIGINT NOT NULL, delivered_until BIGINT NOT NULL)",
    "INSERT INTO ticker (id, seen_at, delivered_until) VALUES (1, 0, 0)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
