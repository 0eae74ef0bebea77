"""Finds the jobs behind a stretch of a timeline: those that were attempted in it, and those that are due in it."""

from models.database.sql import any_of, fetch
from models.jobs.searches.job_filter import Condition, JobFilter, due_rows, joined
from models.jobs.states import AT_ONCE, in_states
from models.operations.timelines import past_attempts

DUE = 1_000


def between(account_id: int, job_filter: JobFilter, first: int, last: int) -> tuple[tuple[int, ...], bool]:
    """The integers of such jobs, from `first` on and before `last`; and whether they are all. A job may be among them
    that the filter leaves out."""
    ids, is_whole = past_attempts.job_ids(account_id, job_filter, first, last)
    parts = [_due(conditions, first, last) for conditions in _waiting(account_id, job_filter)]
    due = [job_id for part in parts for job_id in part]
    return (*_attempted(ids, first, last), *due), is_whole and max(map(len, parts)) < DUE


def _attempted(ids: list[int], first: int, last: int) -> list[int]:
    if not ids:
        return []
    these, params = any_of("job_id", ids)
    sql = f"SELECT DISTINCT job_id FROM attempt WHERE {these} AND started_at >= %s AND started_at < %s"
    return [row[0] for row in fetch(sql, (params, first, last))]


def _waiting(account_id: int, job_filter: JobFilter) -> list[list[Condition]]:
    """Those to come later, in the order of time by their index, and those that were due when they were made."""
    of_account = ("job.account_id = %s AND job.kind = %s", [account_id, job_filter.kind])
    return [due_rows(account_id, JobFilter(job_filter.kind)), [of_account, (in_states(AT_ONCE, "job"), [])]]


def _due(conditions: list[Condition], first: int, last: int) -> list[int]:
    in_time = ("job.scheduled_at >= %s AND job.scheduled_at < %s", [first, last])
    where, params = joined([*conditions, in_time])
    sql = f"SELECT job.id FROM job WHERE {where} ORDER BY job.scheduled_at LIMIT {DUE}"
    return [row[0] for row in fetch(sql, params)]
