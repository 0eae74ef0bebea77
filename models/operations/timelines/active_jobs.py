"""Finds the jobs behind a stretch of a timeline: those that were attempted in it, and those that are due in it."""

from models.database.sql import any_of, fetch
from models.jobs.searches.job_filter import JobFilter, due_rows, joined
from models.operations.timelines import past_attempts

DUE = 1_000


def between(account_id: int, job_filter: JobFilter, first: int, last: int) -> tuple[tuple[int, ...], bool]:
    """The integers of such jobs, from `first` on and before `last`; and whether they are all. A job may be among them
    that the filter leaves out."""
    ids, is_whole = past_attempts.job_ids(account_id, job_filter, first, last)
    due = _due(account_id, job_filter, first, last)
    return (*_attempted(ids, first, last), *due), is_whole and len(due) < DUE


def _attempted(ids: list[int], first: int, last: int) -> list[int]:
    if not ids:
        return []
    these, params = any_of("job_id", ids)
    sql = f"SELECT DISTINCT job_id FROM attempt WHERE {these} AND started_at >= %s AND started_at < %s"
    return [row[0] for row in fetch(sql, (params, first, last))]


def _due(account_id: int, job_filter: JobFilter, first: int, last: int) -> list[int]:
    of_time = JobFilter(job_filter.kind, scheduled_after=first, scheduled_before=last)
    where, params = joined(due_rows(account_id, of_time))
    sql = f"SELECT job.id FROM job WHERE {where} ORDER BY job.scheduled_at LIMIT {DUE}"
    return [row[0] for row in fetch(sql, params)]
