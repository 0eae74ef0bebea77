"""Signs of life of processes and queues for the dashboard, and the secret that signs its cookies.

`job_account_due` serves the list of coming jobs; jobs that are due at creation never enter it.
"""

from typing import Any

STATEMENTS = (
    "CREATE TABLE session_secret (id INTEGER PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE worker (id TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, version TEXT NOT NULL, "
    "slots INTEGER NOT NULL, slots_in_use INTEGER NOT NULL, started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL)",
    "CREATE TABLE queue_depth (id INTEGER PRIMARY KEY, ready INTEGER NOT NULL, delayed INTEGER NOT NULL, "
    "dead INTEGER NOT NULL, seen_at BIGINT NOT NULL)",
    "CREATE TABLE minute_stat (account_id BIGINT NOT NULL, minute_at BIGINT NOT NULL, worker_id TEXT NOT NULL, "
    "completed INTEGER NOT NULL, failed INTEGER NOT NULL, lateness TEXT NOT NULL, "
    "PRIMARY KEY (account_id, minute_at, worker_id))",
    "CREATE INDEX minute_stat_minute ON minute_stat (minute_at)",
    "CREATE INDEX job_account_due ON job (account_id, kind, scheduled_at) WHERE state IN ('scheduled', 'retryable')",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
