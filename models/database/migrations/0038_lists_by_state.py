"""Lists of all states merge those of each state (`models/jobs/searches/merged_states.py`), so they need no index of
their own, into which each of a job's four writes put an entry."""

from typing import Any


def up(migrator: Any, db: Any) -> None:  # noqa: ARG001 - the form the runner calls
    db.execute_sql("DROP INDEX job_account")
