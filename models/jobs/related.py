"""Owns the question which jobs belong together: a job and what tells of it."""

from models.database.sql import fetch
from models.jobs.job_store import SHOWN, JobRow, id_of, shown_row


def related(account_id: int, key: int | str, limit: int, offset: int) -> list[JobRow] | None:
    """The callbacks and events of the account's job, or of one of those the job that it tells of; oldest first. None
    when there is no such job."""
    job_id = id_of(account_id, key)
    if job_id is None:
        return None
    # The sign keeps SQLite from reading all jobs of the account instead of the few that belong together.
    rows = fetch(
        f"SELECT {SHOWN} FROM job WHERE +account_id = %s AND (parent_id = %s OR id = (SELECT told.parent_id FROM job "
        "AS told WHERE told.id = %s)) ORDER BY id LIMIT %s OFFSET %s",
        (account_id, job_id, job_id, limit, offset),
    )
    return [shown_row(row) for row in rows]
