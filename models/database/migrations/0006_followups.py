"""Callbacks and events (jobs that are about another job), the endpoints they go to, signing keys, and channels."""

from typing import Any

PER_DATABASE = {
    "postgresql": {"serial": "BIGSERIAL PRIMARY KEY", "uuid": "UUID"},
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "uuid": "TEXT"},
}
STATEMENTS = (
    "ALTER TABLE job ADD COLUMN notify TEXT",
    "ALTER TABLE job ADD COLUMN parent_id BIGINT",
    "ALTER TABLE job ADD COLUMN after_uuid {uuid}",
    "CREATE INDEX job_parent ON job (parent_id, id) WHERE parent_id IS NOT NULL",
    "CREATE INDEX job_after ON job (after_uuid) WHERE after_uuid IS NOT NULL",
    "CREATE TABLE signing_key (id {serial}, uuid {uuid} NOT NULL UNIQUE, account_id BIGINT NOT NULL, "
    "secret TEXT NOT NULL, created_at BIGINT NOT NULL, ends_at BIGINT)",
    "CREATE INDEX signing_key_account ON signing_key (account_id)",
    "CREATE TABLE endpoint (id {serial}, uuid {uuid} NOT NULL UNIQUE, account_id BIGINT NOT NULL, "
    "url TEXT NOT NULL, types TEXT, enabled INTEGER NOT NULL, created_at BIGINT NOT NULL)",
    "CREATE INDEX endpoint_account ON endpoint (account_id)",
    "CREATE TABLE channel (id {serial}, account_id BIGINT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL, "
    "created_at BIGINT NOT NULL, UNIQUE (account_id, name))",
    "CREATE TABLE channel_message (id {serial}, author TEXT NOT NULL, content TEXT NOT NULL, "
    "inserted_at BIGINT NOT NULL)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
