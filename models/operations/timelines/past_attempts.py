"""Lists the attempts of a span of time, for a picture of it: all of them, or a sample where they are too many.

No index has the attempts of an account in the order of time. Its log has: each attempt leaves entries there. So the log
names the jobs, and their attempts are read by job. Where a span has more entries than `WHOLE`, each slice of it gives
its first few, so the sample covers the whole span and costs the same with any number of jobs. A label or a schedule
has an index of its own jobs; there the newest count.
"""

from typing import Any, NamedTuple

from models.database.sql import any_of, fetch
from models.jobs.job_kinds import REQUEST
from models.jobs.searches.job_filter import (
    Condition,
    JobFilter,
    is_one_label,
    joined,
    label_rows,
    of_known,
    of_rows,
)
from models.operations.timelines import slices

WHOLE = 2_000  # rows of the log that are read one by one
NEWEST = 1_000  # jobs of a label or a schedule
SLICES = 120
OF_SLICE = 8  # rows that each slice of a longer span gives
TO_JUDGE = 20  # the same where a filter leaves few of them
MOST = 5_000  # attempts


class PastAttempt(NamedTuple):
    """An attempt with what its job says of itself. `state`: that of the job now."""

    job_id: int
    number: int
    started_at: int
    finished_at: int
    lateness_us: int
    outcome: str
    status_code: int | None
    reason: str | None
    next_at: int | None
    state: str
    name: str | None
    host: str

    @property
    def has_failed(self) -> bool:
        return self.reason is not None


class Past(NamedTuple):
    """Attempts, newest first. `is_whole`: whether there are no others in the span."""

    attempts: list[PastAttempt]
    is_whole: bool


ENTRIES = (
    "SELECT job_id FROM log_entry WHERE account_id = %s AND inserted_at >= {first} AND inserted_at < {last} "
    "ORDER BY inserted_at DESC, uuid DESC LIMIT {limit}"
)
COLUMNS = ", ".join(
    f"{'job' if name in ('state', 'name', 'host') else 'attempt'}.{name}" for name in PastAttempt._fields
)


def read(account_id: int, job_filter: JobFilter, first: int, last: int) -> Past:
    """Attempts of the account's jobs that began from `first` on and before `last`."""
    ids, is_whole = job_ids(account_id, job_filter, first, last)
    if not ids:
        return Past([], is_whole)
    these, params = any_of("attempt.job_id", ids)
    where, values = joined(
        [
            (these, [params]),
            ("attempt.started_at >= %s AND attempt.started_at < %s", [first, last]),
            *of_known(account_id, job_filter),
            *of_rows(account_id, job_filter),
        ]
    )
    sql = (
        f"SELECT {COLUMNS} FROM attempt JOIN job ON job.id = attempt.job_id WHERE {where} "
        "ORDER BY attempt.started_at DESC, attempt.job_id DESC, attempt.number DESC LIMIT %s"
    )
    attempts = [PastAttempt(*row) for row in fetch(sql, [*values, MOST])]
    return Past(attempts, is_whole and len(attempts) < MOST)


def job_ids(account_id: int, job_filter: JobFilter, first: int, last: int) -> tuple[list[int], bool]:
    """The integers of jobs that may have attempts in the span, and whether they are all of them."""
    if job_filter.schedule is not None:
        return _of_newest(*_of_schedule(account_id, job_filter))
    if is_one_label(job_filter.label):
        return _of_newest(*_of_label(account_id, job_filter))
    ids = _logged(account_id, first, last, WHOLE)
    if len(ids) < WHOLE:
        return _distinct(ids), True
    return _distinct(_sampled(account_id, first, last, TO_JUDGE if job_filter.is_search else OF_SLICE)), False


def _of_newest(sql: str, params: list[Any]) -> tuple[list[int], bool]:
    ids = [row[0] for row in fetch(f"{sql} LIMIT %s", [*params, NEWEST])]
    return ids, len(ids) < NEWEST


def _of_schedule(account_id: int, job_filter: JobFilter) -> Condition:
    where, params = joined(of_known(account_id, JobFilter(REQUEST, schedule=job_filter.schedule)))
    return f"SELECT job.id FROM job WHERE {where} ORDER BY job.inserted_at DESC, job.id DESC", params


def _of_label(account_id: int, job_filter: JobFilter) -> Condition:
    where, params = joined(label_rows(account_id, job_filter))
    newest = "ORDER BY job_label.inserted_at DESC, job_label.job_id DESC"
    return f"SELECT job_label.job_id FROM job_label WHERE {where} {newest}", params


def _logged(account_id: int, first: int, last: int, limit: int) -> list[int]:
    return [row[0] for row in fetch(ENTRIES.format(first=first, last=last, limit=limit), [account_id])]


def _sampled(account_id: int, first: int, last: int, of_slice: int) -> list[int]:
    """From each slice a few: one statement of many short look-ups in an index."""
    edges = slices.evenly(first, last, SLICES)
    few = ENTRIES.format(first=slices.FIRST, last=slices.LAST, limit=of_slice)
    return [row[0] for row in fetch(*slices.for_each(edges, few, [account_id]))]


def _distinct(ids: list[int]) -> list[int]:
    return list(dict.fromkeys(ids))
