"""Reads the last recorded attempt of each of some jobs."""

from collections.abc import Sequence

from models.database.sql import any_of, fetch
from models.jobs.records import AttemptRow

COLUMNS = ", ".join(f"attempt.{name}" for name in AttemptRow._fields)


def of_jobs(ids: Sequence[int]) -> dict[int, AttemptRow]:
    """By the job's integer. A job that was never attempted has none; an attempt under way is not recorded yet."""
    these, params = any_of("attempt.job_id", ids)
    last = "SELECT max(other.number) FROM attempt AS other WHERE other.job_id = attempt.job_id"
    rows = fetch(f"SELECT {COLUMNS} FROM attempt WHERE {these} AND attempt.number = ({last})", (params,))
    return {row[0]: AttemptRow(*row) for row in rows}
