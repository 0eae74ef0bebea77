"""When accounts sent test messages of alert rules, to bound how many they send."""

from typing import Any

STATEMENTS = (
    "CREATE TABLE alert_test (account_id BIGINT NOT NULL, sent_at BIGINT NOT NULL)",
    "CREATE INDEX alert_test_account ON alert_test (account_id, sent_at)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
