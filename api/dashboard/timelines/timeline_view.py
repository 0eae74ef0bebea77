"""Puts the timeline of an account or of a part of its jobs together: reads a bounded number of rows, has them drawn.

Up to `MARKS` attempts and as many jobs to come have a mark each. Beyond that bars count them, and a sample has marks.
"""

from collections.abc import Mapping
from typing import NamedTuple

from api.dashboard.filters import run_status
from api.dashboard.timelines import marks, timeline_drawing
from api.dashboard.timelines.earlier_jobs import Earlier, earlier_jobs
from api.dashboard.timelines.marks import FAILED, Mark
from api.dashboard.timelines.spans import Span
from api.dashboard.timelines.timeline_drawing import AxisTick, Block, Dot, Level
from models.jobs.searches.job_filter import JobFilter
from models.operations.timelines import attempt_counts, coming_jobs, past_attempts, planned_instants
from models.operations.timelines.attempt_counts import Count
from models.operations.timelines.coming_jobs import COUNTED
from models.operations.timelines.past_attempts import Past
from models.rules.clock import MILLISECOND
from models.schedules import firing_rows, schedule_store

MARKS = 400
ROWS = 12  # of the table, each way


class TableRow(NamedTuple):
    """What lies between two instants. `coming`: None in the past."""

    first: int
    last: int
    completed: int
    failed: int
    coming: int | None


class Timeline(NamedTuple):
    """What the template shows. `sampled`: how many attempts have a mark, where not all have one. `at_least`: whether
    there are more attempts than were counted. `is_cut_ahead`: the same of jobs to come. `is_cut_now`: whether so many
    jobs are due or under way that some may have no mark. `earlier`: those that are older than the picture, if any.
    `now_ms`, `each_way_ms`: for the script that moves it."""

    span: Span
    height: str
    now_ms: int
    each_way_ms: int
    past: list[Dot]
    coming: list[Dot]
    blocks: list[Block]
    levels: list[Level]
    axis: list[AxisTick]
    rows: list[TableRow]
    completed: int
    failed: int
    ahead: int
    sampled: int | None
    at_least: bool
    is_cut_ahead: bool
    is_cut_now: bool
    earlier: Earlier | None
    looks: list[str]


class _Ahead(NamedTuple):
    """Marks of what has not ended, how many jobs each slice has, and whether bars count them because some have no
    mark. `is_cut`: whether there are more to come than were counted; `earlier`, `is_cut_now`: see Timeline."""

    marks: list[Mark]
    earlier: Earlier | None
    counts: dict[int, int]
    has_all: bool
    is_cut: bool
    is_cut_now: bool


def timeline(account_id: int, job_filter: JobFilter, shown: Span, height: str, now: int) -> Timeline:
    first = (now - shown.each_way_us) // shown.slice_us * shown.slice_us
    past = past_attempts.read(account_id, job_filter, first, now + 1)
    counts = _counts(account_id, job_filter, past, first, now, shown)
    attempts = [marks.of_attempt(row, height) for row in past.attempts]
    kept = timeline_drawing.chosen(attempts, MARKS, (FAILED,))
    ahead = _ahead(account_id, job_filter, first, now, shown)
    is_dense = len(attempts) > MARKS or not past.is_whole
    highest = max([8, *(both.completed + both.failed for both in counts.values()), *ahead.counts.values()])
    top_us = timeline_drawing.top_of(kept)
    bars_ahead = {} if ahead.has_all else ahead.counts
    return Timeline(
        span=shown,
        height=height,
        now_ms=now // MILLISECOND,
        each_way_ms=shown.each_way_us // MILLISECOND,
        past=timeline_drawing.dots(kept, top_us, now, shown.each_way_us),
        coming=timeline_drawing.dots(ahead.marks, top_us, now, shown.each_way_us),
        blocks=timeline_drawing.blocks(counts if is_dense else {}, bars_ahead, now, shown, highest),
        levels=timeline_drawing.scale(top_us),
        axis=timeline_drawing.axis(now, shown),
        rows=_table(counts, ahead.counts, now, shown),
        completed=sum(count.completed for count in counts.values()),
        failed=sum(count.failed for count in counts.values()),
        ahead=sum(ahead.counts.values()),
        sampled=len(kept) if is_dense else None,
        at_least=not past.is_whole and not _is_of_all(job_filter),
        is_cut_ahead=ahead.is_cut,
        is_cut_now=ahead.is_cut_now,
        earlier=ahead.earlier,
        looks=_looks(kept, ahead.marks),
    )


def _ahead(account_id: int, job_filter: JobFilter, first: int, now: int, shown: Span) -> _Ahead:
    last = now + shown.each_way_us
    earlier = coming_jobs.overdue(account_id, job_filter, 0, first)
    overdue = coming_jobs.overdue(account_id, job_filter, first, now + 1)
    coming = coming_jobs.waiting(account_id, job_filter, now + 1, last, shown.slice_us)
    running = coming_jobs.running(account_id, job_filter)
    jobs = [*earlier.jobs, *overdue.jobs, *coming.jobs, *running.jobs]
    shown_marks = [marks.of_job(job, now) for job in jobs]
    counts = coming.counts
    if counts is None:
        counts = _by_slice([mark for mark in shown_marks if mark.at > now], first, shown)
    shown_marks += [marks.of_instant(instant) for instant in _instants(account_id, job_filter, last)]
    shown_marks += _without_job(account_id, job_filter.schedule, first) if job_filter.schedule else []
    is_cut = not coming.is_whole or any(jobs >= COUNTED for jobs in (coming.counts or {}).values())
    is_cut_earlier, edge = earlier.was_cut or running.was_cut, now - shown.each_way_us
    return _Ahead(
        marks=[mark for mark in shown_marks if mark.at >= edge],
        earlier=earlier_jobs(shown_marks, is_cut_earlier, edge),
        counts=counts,
        has_all=coming.counts is None,
        is_cut=is_cut,
        is_cut_now=overdue.was_cut or is_cut_earlier,
    )


def _instants(account_id: int, job_filter: JobFilter, last: int) -> list[planned_instants.PlannedInstant]:
    """The plan says nothing of labels, hosts and flows."""
    schedule_id = schedule_store.id_of(account_id, job_filter.schedule) if job_filter.schedule else None
    if schedule_id is None and not _is_of_all(job_filter):
        return []
    return planned_instants.ahead(account_id, last, schedule_id)


def _without_job(account_id: int, key: str, first: int) -> list[Mark]:
    newest = (("fire_at", "desc"), firing_rows.LATEST_LIMIT, 0)
    rows = schedule_store.firings_of(account_id, key, None, *newest) or []
    return [marks.of_firing(row, run_status(row.status)) for row in rows if row.job_id is None and row.fire_at >= first]


def _is_of_all(job_filter: JobFilter) -> bool:
    return job_filter == JobFilter(job_filter.kind)


def _counts(account_id: int, job_filter: JobFilter, past: Past, first: int, now: int, shown: Span) -> dict[int, Count]:
    """Of each slice. Of all jobs of the account there are exact counts, also where the attempts are a sample."""
    if not past.is_whole and _is_of_all(job_filter):
        return attempt_counts.by_slice(account_id, first, now, shown.slice_us)
    counts: dict[int, Count] = {}
    for row in past.attempts:
        at = row.started_at - (row.started_at - first) % shown.slice_us
        done, failed = counts.get(at, Count(0, 0))
        counts[at] = Count(done, failed + 1) if row.has_failed else Count(done + 1, failed)
    return counts


def _by_slice(shown_marks: list[Mark], first: int, shown: Span) -> dict[int, int]:
    counts: dict[int, int] = {}
    for mark in shown_marks:
        at = mark.at - (mark.at - first) % shown.slice_us
        counts[at] = counts.get(at, 0) + 1
    return counts


def _table(counts: Mapping[int, Count], coming: Mapping[int, int], now: int, shown: Span) -> list[TableRow]:
    """The same in few rows, for who does not see the picture."""
    length = max(shown.each_way_us // ROWS, shown.slice_us)
    rows: dict[int, TableRow] = {}
    for at, count in counts.items():
        first = at - at % length
        row = rows.get(first, TableRow(first, first + length, 0, 0, None))
        rows[first] = row._replace(completed=row.completed + count.completed, failed=row.failed + count.failed)
    for at, jobs in coming.items():
        first = max(at, now) - max(at, now) % length
        row = rows.get(first, TableRow(first, first + length, 0, 0, None))
        rows[first] = row._replace(coming=(row.coming or 0) + jobs)
    return [rows[first] for first in sorted(rows)]


def _looks(*groups: list[Mark]) -> list[str]:
    met = {mark.look for group in groups for mark in group}
    return [look for look in marks.LOOKS if look in met]
