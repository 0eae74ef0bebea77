"""Labels of jobs. The primary key is the index that lists a label's jobs by the instant they were inserted."""

from typing import Any

AS_INDEX = {"postgresql": "", "sqlite": " WITHOUT ROWID"}
STATEMENTS = (
    "CREATE TABLE job_label (account_id BIGINT NOT NULL, label TEXT NOT NULL, inserted_at BIGINT NOT NULL, "
    "job_id BIGINT NOT NULL, PRIMARY KEY (account_id, label, inserted_at, job_id)){as_index}",
    "CREATE INDEX job_label_job ON job_label (job_id)",
)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement.format(as_index=AS_INDEX[db.dialect]))
