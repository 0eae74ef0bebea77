"""Writes and looks up labels: one row for each label of a job. Jobs without labels have no rows.

A row is written in the transaction that makes the job, and deleted with the job by `models/jobs/lifecycle.py`.
"""

from collections.abc import Sequence

from models.database.base import column_names, typed_columns
from models.database.sql import execute, fetch, values_table
from models.jobs.job_tables import JobLabel


def add(rows: Sequence[tuple[int, str, int, int]]) -> None:
    """Insert rows of (account, label, when the job was inserted, the job's integer)."""
    if not rows:
        return
    source, params = values_table(typed_columns(JobLabel), rows)
    names = ", ".join(column_names(JobLabel))
    execute(f"INSERT INTO job_label ({names}) SELECT {names} FROM {source} AS input", params)


def is_used(account_id: int, label: str) -> bool:
    """Whether a job of the account has exactly this label."""
    return bool(fetch("SELECT 1 FROM job_label WHERE account_id = %s AND label = %s LIMIT 1", (account_id, label)))
