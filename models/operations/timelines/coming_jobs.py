"""Lists the jobs around now that have not ended: those under way, those that are due, and those to come.

Where more jobs are to come than `SHOWN`, each slice of the time ahead is counted up to `COUNTED`, and a few are listed.

Jobs of one instant are put in their order after the list is cut: the index has no ids, and a mass of jobs of one
instant would be sorted for a few of them.
"""

from collections import Counter
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
    most, by the instant at which the slice begins; None when `jobs` are all, or if not `is_whole` the first."""

    jobs: list[ComingJob]
    counts: dict[int, int] | None
    is_whole: bool = True


COLUMNS = ", ".join(f"job.{name}" for name in ComingJob._fields)


def waiting(account_id: int, job_filter: JobFilter, first: int, last: int, slice_us: int) -> Coming:
    """Jobs that are due from `first` on and before `last`."""
    jobs = _between(account_id, job_filter, first, last, SHOWN + 1)
    if len(jobs) <= SHOWN or job_filter.schedule is not None or job_filter.is_search:
        return Coming(jobs[:SHOWN], None, len(jobs) <= SHOWN)
    edges = [first, *range(first - first % slice_us + slice_us, last, slice_us), last]
    return Coming(_sampled(account_id, job_filter, first, last), _counts(account_id, job_filter, edges))


def overdue(account_id: int, job_filter: JobFilter, first: int, now: int) -> list[ComingJob]:
    """Jobs that wait though they were due from `first` on, OVERDUE at most."""
    return _between(account_id, job_filter, first, now + 1, OVERDUE)


def running(account_id: int, job_filter: JobFilter) -> list[ComingJob]:
    """Jobs whose attempt is under way, and those that are due since they were made."""
    return [
        job
        for state, limit in (("executing", RUNNING), ("available", RUNNING))
        for job in _in_state(account_id, job_filter, state, limit)
    ]


def is_full(overdue_jobs: list[ComingJob], running_jobs: list[ComingJob]) -> bool:
    """Whether one of these lists has as many jobs as it may have, so that there may be others."""
    lengths = Counter(job.state for job in running_jobs)
    return len(overdue_jobs) >= OVERDUE or any(length >= RUNNING for length in lengths.values())


def _in_state(account_id: int, job_filter: JobFilter, state: str, limit: int) -> list[ComingJob]:
    conditions = [("job.account_id = %s", [account_id]), (in_states([state], "job"), [])]
    where, params = joined([*conditions, ("job.kind = %s", [job_filter.kind])])
    few = f"SELECT job.* FROM job WHERE {where} ORDER BY job.inserted_at DESC, job.id DESC LIMIT %s"
    judged, values = joined([*of_known(account_id, job_filter), *of_rows(account_id, job_filter)])
    return _jobs(f"SELECT {COLUMNS} FROM ({few}) AS job WHERE {judged}", [*params, limit, *values])


def _between(account_id: int, job_filter: JobFilter, first: int, last: int, limit: int) -> list[ComingJob]:
    if job_filter.schedule is not None:  # which has an index of its own
        where, params = joined([*of_known(account_id, job_filter), *_due(first, last)])
        return _jobs(f"SELECT {COLUMNS} FROM job WHERE {where} ORDER BY job.scheduled_at LIMIT %s", [*params, limit])
    where, params = joined(due_rows(account_id, _in_span(job_filter, first, last)))
    if not job_filter.is_search:
        return _jobs(f"SELECT {COLUMNS} FROM job WHERE {where} ORDER BY job.scheduled_at LIMIT %s", [*params, limit])
    few = f"SELECT job.* FROM job WHERE {where} ORDER BY job.scheduled_at LIMIT {LOOKED_AT}"
    judged, values = joined(of_rows(account_id, job_filter))
    sql = f"SELECT {COLUMNS} FROM ({few}) AS job WHERE {judged} ORDER BY job.scheduled_at LIMIT %s"
    return _jobs(sql, [*params, *values, limit])


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
