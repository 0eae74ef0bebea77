"""How many requests of each flow started in each minute."""

from typing import Any

STATEMENTS = (
    "CREATE TABLE flow_minute (gate_id BIGINT NOT NULL, minute BIGINT NOT NULL, starts BIGINT NOT NULL, "
    "PRIMARY KEY (gate_id, minute))",
    "CREATE INDEX flow_minute_age ON flow_minute (minute)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
