"""The responses kept for requests that name an `Idempotency-Key`.

`status_code` and `answer` are null only inside the transaction that makes them.
"""

from typing import Any

SERIAL = {"postgresql": "BIGSERIAL PRIMARY KEY", "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT"}
STATEMENTS = (
    "CREATE TABLE idempotent_request (id {serial}, account_id BIGINT NOT NULL, key TEXT NOT NULL, "
    "fingerprint TEXT NOT NULL, status_code INTEGER, answer TEXT, created_at BIGINT NOT NULL, "
    "UNIQUE (account_id, key))",
    "CREATE INDEX idempotent_request_created ON idempotent_request (created_at)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(serial=SERIAL[db.dialect]))
