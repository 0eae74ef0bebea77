"""Lists the jobs around now that have not ended: those under way, those that are due, and those to come.

Where more jobs are to come than `SHOWN`, each slice of the time ahead is counted up to `COUNTED`, and a few are listed.

Jobs of one instant are put in their order after the list is cut: the index has no ids, and a mass of jobs of one
instant would be sorted for a few of them.
"""

from typing import NamedTuple

from models.database.sql import fetch
from models.jobs.searches.job_filter import Condition, JobFilter, due_rows, joined, of_known, of_rows
from models.jobs.states import in_states
from models.operations.timelines import slices

SHOWN = 400
LOOKED_AT = 5_000  # rows of which a filter without an index chooses
COUNTED = 1_000  # jobs of a slice
SLICES = 100
OF_SLICE = 1  # job that each slice of a full time gives
RUNNING = OVERDUE = 200


class ComingJob(NamedTuple):
    """A job that has not ended. `scheduled_at`: when it is due; `attempted_at`: when its latest attempt began."""

    id: int
    state: str
    scheduled_at: int
    attempted_at: int | None
    attempt: int
    name: str | None
    host: str


class Coming(NamedTuple):
    """`jobs`: those that are due, or a sample of them, soonest first. `counts`: how many each slice has, COUNTED at
    most, by the instant at which the slice begins; None: `jobs` is no sample. `is_whole`: False if jobs were left out
    that `counts` does not count either."""

    jobs: list[ComingJob]
    counts: dict[int, int] | None
    is_whole: bool = True


class SomeJobs(NamedTuple):
    """As many jobs as are shown at most. `was_cut`: whether there may be others, because more were found than are shown
    or more wait than were looked at."""

    jobs: list[ComingJob]
    was_cut: bool


COLUMNS = ", ".join(f"job.{name}" for name in ComingJob._fields)


def waiting(account_id: int, job_filter: JobFilter, first: int, last: int, slice_us: int) -> Coming:
    """Jobs that are due from `first` on and before `last`."""
    jobs, was_cut = _between(account_id, job_filter, first, last, SHOWN)
    if not was_cut or job_filter.schedule is not None or job_filter.is_search:
        return Coming(jobs, None, not was_cut)
    edges = [first, *range(first - first % slice_us + slice_us, last, slice_us), last]
    return Coming(_sampled(account_id, job_filter, first, last), _counts(account_id, job_filter, edges))


def overdue(account_id: int, job_filter: JobFilter, first: int, last: int) -> SomeJobs:
    """Jobs that wait though they were due from `first` on and before `last`, the OVERDUE that were due first."""
    return _between(account_id, job_filter, first, last, OVERDUE)


def running(account_id: int, job_filter: JobFilter) -> SomeJobs:
    """Jobs whose attempt is under way, and those that are due since they were made."""
    parts = [_in_state(account_id, job_filter, state, RUNNING) for state in ("executing", "available")]
    return SomeJobs([job for part in parts for job in part.jobs], any(part.was_cut for part in parts))


def _in_state(account_id: int, job_filter: JobFilter, state: str, limit: int) -> SomeJobs:
    conditions = [("job.account_id = %s", [account_id]), (in_states([state], "job"), [])]
    where, params = joined([*conditions, ("job.kind = %s", [job_filter.kind])])
    ordered = f"FROM job WHERE {where} ORDER BY job.inserted_at DESC, job.id DESC"
    judged, values = joined([*of_known(account_id, job_filter), *of_rows(account_id, job_filter)])
    sql = f"SELECT {COLUMNS} FROM (SELECT job.* {ordered} LIMIT %s) AS job WHERE {judged}"
    return SomeJobs(_jobs(sql, [*params, limit, *values]), _has_more(ordered, params, limit))


def _between(account_id: int, job_filter: JobFilter, first: int, last: int, limit: int) -> SomeJobs:
    of_schedule = job_filter.schedule is not None  # which has an index of its own
    if of_schedule:
        where, params = joined([*of_known(account_id, job_filter), *_due(first, last)])
    else:
        where, params = joined(due_rows(account_id, _in_span(job_filter, first, last)))
    ordered = f"FROM job WHERE {where} ORDER BY job.scheduled_at"
    if job_filter.is_search and not of_schedule:
        return _judged(account_id, job_filter, ordered, params, limit)
    jobs = _jobs(f"SELECT {COLUMNS} {ordered} LIMIT %s", [*params, limit + 1])
    return SomeJobs(jobs[:limit], len(jobs) > limit)


def _judged(account_id: int, job_filter: JobFilter, ordered: str, params: list[object], limit: int) -> SomeJobs:
    """Those of the first LOOKED_AT rows that the filter lets pass."""
    judged, values = joined(of_rows(account_id, job_filter))
    few = f"SELECT job.* {ordered} LIMIT {LOOKED_AT}"
    sql = f"SELECT {COLUMNS} FROM ({few}) AS job WHERE {judged} ORDER BY job.scheduled_at LIMIT %s"
    jobs = _jobs(sql, [*params, *values, limit + 1])
    return SomeJobs(jobs[:limit], len(jobs) > limit or _has_more(ordered, params, LOOKED_AT))


def _has_more(ordered: str, params: list[object], number: int) -> bool:
    """Whether more than so many rows were there to be judged. The judged rows can't tell: there may be none of them."""
    return bool(fetch(f"SELECT 1 {ordered} LIMIT 1 OFFSET %s", [*params, number]))


def _sampled(account_id: int, job_filter: JobFilter, first: int, last: int) -> list[ComingJob]:
    of_slice, params = _slice(account_id, job_filter, COLUMNS, OF_SLICE)
    return _jobs(*slices.for_each(slices.evenly(first, last, SLICES), of_slice, params))


def _counts(account_id: int, job_filter: JobFilter, edges: list[int]) -> dict[int, int]:
    of_slice, params = _slice(account_id, job_filter, "1", COUNTED)
    counted = f"SELECT {slices.FIRST} AS at, count(*) AS jobs FROM ({of_slice}) AS few"
    return dict(fetch(*slices.for_each(edges, counted, params)))


def _slice(account_id: int, job_filter: JobFilter, columns: str, limit: int) -> Condition:
    within = f"job.scheduled_at >= {slices.FIRST} AND job.scheduled_at < {slices.LAST}"
    where, params = joined([*due_rows(account_id, job_filter), (within, [])])
    return f"SELECT {columns} FROM job WHERE {where} ORDER BY job.scheduled_at LIMIT {limit}", params


def _in_span(job_filter: JobFilter, first: int, last: int) -> JobFilter:
    return job_filter._replace(scheduled_after=first, scheduled_before=last)


def _due(first: int, last: int) -> list[Condition]:
    return [
        (in_states(("scheduled", "retryable"), "job"), []),
        ("job.scheduled_at >= %s AND job.scheduled_at < %s", [first, last]),
    ]


def _jobs(sql: str, params: list[object]) -> list[ComingJob]:
    return sorted((ComingJob(*row) for row in fetch(sql, params)), key=lambda job: (job.scheduled_at, job.id))
