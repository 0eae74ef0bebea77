"""Groups of targets, which an order names in place of a URL."""

from typing import Any

SERIAL = {"postgresql": "BIGSERIAL PRIMARY KEY", "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT"}
STATEMENT = (
    "CREATE TABLE target_group (id {serial}, account_id BIGINT NOT NULL, name TEXT NOT NULL, targets TEXT NOT NULL, "
    "created_at BIGINT NOT NULL, changed_at BIGINT NOT NULL, UNIQUE (account_id, name))"
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql(STATEMENT.format(serial=SERIAL[db.dialect]))
