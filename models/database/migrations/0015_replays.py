"""Which job a job is a replay of, through how many jobs an operation came, and the jobs of a schedule in order.

A table of its own, so that a job that is no replay costs nothing more. The index holds only jobs of schedules.
"""

from typing import Any

STATEMENTS = (
    "CREATE TABLE replay (replay_of BIGINT NOT NULL, job_id BIGINT NOT NULL, PRIMARY KEY (replay_of, job_id))",
    "CREATE INDEX replay_job ON replay (job_id)",
    "ALTER TABLE operation ADD COLUMN hops INTEGER NOT NULL DEFAULT 0",
)
LARGE_INDEXES = ("CREATE INDEX job_schedule ON job (schedule_id, inserted_at, id) WHERE schedule_id IS NOT NULL",)


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    for statement in STATEMENTS:
        db.execute_sql(statement)
