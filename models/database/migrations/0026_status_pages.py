"""The addresses of status pages: one an account, until it is revoked."""

from typing import Any

STATEMENT = (
    "CREATE TABLE status_page (account_id BIGINT NOT NULL PRIMARY KEY, token TEXT NOT NULL UNIQUE, "
    "created_at BIGINT NOT NULL)"
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql(STATEMENT)
