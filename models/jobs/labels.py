"""Owns the writing of labels: which jobs of an account have one, newest first. Only jobs with labels have rows.

Written in the transaction that makes the job; deleted with it by `models/jobs/lifecycle.py`.
"""

from collections.abc import Sequence

from models.database.sql import execute, values_table

COLUMNS = "account_id bigint, label text, inserted_at bigint, job_id bigint"


def add(rows: Sequence[tuple[int, str, int, int]]) -> None:
    """Insert rows of (account, label, when the job was inserted, the job's integer)."""
    if not rows:
        return
    given, params = values_table(COLUMNS, rows)
    names = "account_id, label, inserted_at, job_id"
    execute(f"INSERT INTO job_label ({names}) SELECT {names} FROM {given} AS given", params)
