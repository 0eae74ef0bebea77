"""Listeners: developers' machines that fetch requests, and the requests that wait for them."""

from typing import Any

PER_DATABASE = {
    "postgresql": {"uuid": "UUID", "blob": "BYTEA"},
    "sqlite": {"uuid": "TEXT", "blob": "BLOB"},
}
STATEMENTS = (
    "CREATE TABLE listener (account_id BIGINT NOT NULL, name TEXT NOT NULL, seen_at BIGINT NOT NULL, "
    "PRIMARY KEY (account_id, name))",
    "CREATE TABLE listener_request (uuid {uuid} NOT NULL PRIMARY KEY, job_id BIGINT NOT NULL, "
    "claim_id BIGINT NOT NULL, account_id BIGINT NOT NULL, listener TEXT NOT NULL, attempt INTEGER NOT NULL, "
    "request TEXT NOT NULL, body {blob}, handed_at BIGINT NOT NULL, deadline_at BIGINT NOT NULL, taken_at BIGINT, "
    "answered_at BIGINT, answer TEXT, answer_body {blob}, ended_at BIGINT)",
    "CREATE INDEX listener_request_open ON listener_request (account_id, listener, handed_at) WHERE ended_at IS NULL",
    "CREATE INDEX listener_request_deadline ON listener_request (deadline_at) WHERE ended_at IS NULL",
    "CREATE INDEX listener_request_ended ON listener_request (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX listener_request_job ON listener_request (job_id)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
