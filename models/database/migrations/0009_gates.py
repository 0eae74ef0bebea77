"""Gates, the starts that a rate counts, and the gates of a job.

The indexes of `job` hold only jobs that have a gate. So an ordinary job pays nothing for them.
"""

from typing import Any

SERIAL = {"postgresql": "BIGSERIAL PRIMARY KEY", "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT"}
STATEMENTS = (
    "CREATE TABLE gate (id {serial}, account_id BIGINT NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, "
    "rate BIGINT, per_us BIGINT, concurrency BIGINT, stops INTEGER NOT NULL, is_pinned INTEGER NOT NULL, "
    "paused_at BIGINT, paused_until BIGINT, reason TEXT, rests_until BIGINT, failures BIGINT NOT NULL, "
    "failing_since BIGINT, probes BIGINT NOT NULL, probe_at BIGINT, closed_until BIGINT, "
    "starts BIGINT NOT NULL, wake_at BIGINT, "
    "used_at BIGINT NOT NULL, created_at BIGINT NOT NULL, UNIQUE (account_id, kind, key))",
    "CREATE INDEX gate_wake ON gate (wake_at) WHERE wake_at IS NOT NULL",
    "CREATE INDEX gate_closed ON gate (account_id) WHERE closed_until IS NOT NULL",
    "CREATE INDEX gate_failing ON gate (account_id, key) WHERE failures > 0",
    "CREATE TABLE gate_start (gate_id BIGINT NOT NULL, number BIGINT NOT NULL, started_at BIGINT NOT NULL, "
    "job_id BIGINT NOT NULL, PRIMARY KEY (gate_id, number))",
    "ALTER TABLE job ADD COLUMN flow_id BIGINT",
    "ALTER TABLE job ADD COLUMN lane_id BIGINT",
    "ALTER TABLE job ADD COLUMN parked_by BIGINT",
)
LARGE_INDEXES = (
    "CREATE INDEX job_flow ON job (flow_id) WHERE flow_id IS NOT NULL AND claim_id IS NOT NULL",
    "CREATE INDEX job_of_flow ON job (flow_id) WHERE flow_id IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable', 'executing')",
    "CREATE INDEX job_lane ON job (lane_id, id) WHERE lane_id IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable', 'executing')",
    "CREATE INDEX job_parked ON job (parked_by, scheduled_at, id) WHERE parked_by IS NOT NULL "
    "AND state IN ('available', 'scheduled', 'retryable')",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(serial=SERIAL[db.dialect]))
