"""Acknowledgements: how long a target may take to report the end of an attempt, until when it may, and what it said."""

from typing import Any

BLOB = {"postgresql": "BYTEA", "sqlite": "BLOB"}
STATEMENTS = (
    "ALTER TABLE job ADD COLUMN ack_within_us BIGINT",
    "ALTER TABLE job ADD COLUMN ack_until BIGINT",
    "CREATE TABLE ack (job_id BIGINT NOT NULL, claim_id BIGINT NOT NULL, succeeded INTEGER NOT NULL, "
    "body {blob}, content_type TEXT, received_at BIGINT NOT NULL, settled_at BIGINT, PRIMARY KEY (job_id, claim_id))",
    "CREATE INDEX ack_received ON ack (received_at)",
    "CREATE INDEX ack_unsettled ON ack (received_at) WHERE settled_at IS NULL",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(blob=BLOB[db.dialect]))
