"""The account of each message to the demo channel."""

from typing import Any

STATEMENTS = (
    "ALTER TABLE channel_message ADD COLUMN account_id BIGINT",
    "CREATE INDEX channel_message_account ON channel_message (account_id, id)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
