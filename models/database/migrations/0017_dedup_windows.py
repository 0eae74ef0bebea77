"""For how long an order is taken once: the windows of `dedup`."""

from typing import Any

PER_DATABASE = {
    "postgresql": {"serial": "BIGSERIAL PRIMARY KEY", "uuid": "UUID"},
    "sqlite": {"serial": "INTEGER PRIMARY KEY AUTOINCREMENT", "uuid": "TEXT"},
}
STATEMENTS = (
    "CREATE TABLE dedup_window (id {serial}, account_id BIGINT NOT NULL, digest TEXT NOT NULL, "
    "job_uuid {uuid} NOT NULL, expires_at BIGINT NOT NULL, UNIQUE (account_id, digest))",
    "CREATE INDEX dedup_window_expires ON dedup_window (expires_at)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(**PER_DATABASE[db.dialect]))
