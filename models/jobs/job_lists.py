"""Lists an account's jobs by a filter, in pages.

A filter that an index serves finds all jobs, whatever the size of the table. `host` and `text` have no index, and a
label may be on very many jobs: there a page looks at LOOKED_AT rows at most and ends where it stopped, so it may be
short or empty although more pages follow.
"""

from typing import Any, NamedTuple

from models.database import settling
from models.database.paging import Listing, Page, PageRequest, Place, bytes_of, fitting, ids_of, shown_page
from models.database.sql import any_of, fetch
from models.jobs.job_store import SHOWN, JobRow, shown_row
from models.jobs.searches import merged_states, overdue
from models.jobs.searches.job_filter import (
    ANY_NUMBER,
    JobFilter,
    due_rows,
    due_table,
    is_one_label,
    joined,
    label_rows,
    many_due,
    of_index,
    of_kind,
    of_rows,
)
from models.jobs.states import LATER, STATES, WAITING, in_states

LISTING = Listing(
    {
        "inserted_at": ("inserted_at", False),
        "scheduled_at": ("scheduled_at", False),
        "attempted_at": ("attempted_at", True),
        "completed_at": ("completed_at", True),
        "cancelled_at": ("cancelled_at", True),
        "discarded_at": ("discarded_at", True),
        "job_id": ("id", False),
        "state": ("state", False),
        "name": ("name", True),
    },
    "id",
    frozenset({"name", "state"}),
    frozenset({"inserted_at", "job_id"}),
)
FOLLOWED = (("inserted_at", "asc"), ("job_id", "asc"))
MERGED = Listing({"inserted_at": ("merged.at", False)}, "merged.job_id")
LOOKED_AT = 5_000


class Source(NamedTuple):
    """The rows that a search looks at, in the order of insertion or of time: by an index (`where`), then each by
    `judged_by`."""

    table: str
    at: str  # the columns of the instant and of the job's integer
    id: str
    where: str
    params: list[Any]
    judged_by: str
    judged_params: list[Any]
    is_merged: bool = False  # the table merges the states, see _merged


def listed(account_id: int, job_filter: JobFilter, page: PageRequest, looked_at: int | None = None) -> Page:
    """A page of the account's jobs, as JobRow; nulls come last, ties by id. It ends early where its jobs are large.
    `looked_at`: at how many rows a search looks at most; None: LOOKED_AT.

    The page's ids are read first, from an index where there is one, so that a deep page reads no skipped row. Two
    statements, because PostgreSQL's planner may run a sub-select once a row of a table it believes to be empty.
    """
    return shown(matching(account_id, job_filter, page, looked_at), page.order)


def shown(ids: Page, order: tuple[str, str]) -> Page:
    """The page of these integers of jobs, as JobRow."""
    return shown_page(_rows(ids.rows, order), ids, LISTING, order)


def settled(job_filter: JobFilter, order: tuple[str, str]) -> JobFilter:
    """The filter for a list that a client may follow: in the order in which jobs are made, it ends before jobs that may
    still appear between others."""
    if order not in FOLLOWED:
        return job_filter
    until = settling.settled_until()
    return job_filter._replace(before=until if job_filter.before is None else min(until, job_filter.before))


def matching(account_id: int, job_filter: JobFilter, page: PageRequest, looked_at: int | None = None) -> Page:
    """The integers of the jobs of a page."""
    if job_filter.due_by is not None and page.order[0] == overdue.ORDER:
        return overdue.matching(account_id, job_filter, page, looked_at or LOOKED_AT)
    by_time = page.order[0] == "scheduled_at" and job_filter.state in LATER and not page.offset
    if job_filter.is_search or by_time:
        return _search(account_id, job_filter, page, looked_at or LOOKED_AT)
    if page.order[0] == "inserted_at" and _has_any_state(job_filter) and job_filter.due_by is None:
        table, params = _merged(account_id, job_filter, page, page.offset + page.limit + 1)
        return ids_of(table, MERGED, "true", params, page)
    return _indexed(account_id, job_filter, page)


def _has_any_state(job_filter: JobFilter) -> bool:
    """Whether the jobs may be in any state, and only the index of states leads to them."""
    return not (job_filter.state or merged_states.has_own_index(job_filter))


def _merged(
    account_id: int, job_filter: JobFilter, page: PageRequest, rows: int, until: Place | None = None
) -> tuple[str, list[Any]]:
    """The next jobs of all states, so many, as a table in the order of the page; and its parameters."""
    states = STATES if job_filter.due_by is None else WAITING
    sql, params = merged_states.rows(account_id, job_filter, states, page, rows, until)
    return f"({sql}) AS merged", params


def _indexed(account_id: int, job_filter: JobFilter, page: PageRequest) -> Page:
    conditions = of_index(account_id, job_filter)
    if _has_any_state(job_filter) and (job_filter.after or job_filter.before):
        conditions.append((in_states(STATES, "job"), []))  # then the index of states finds the span
    where, params = joined(conditions)
    if job_filter.due_by is None:
        return ids_of("job", LISTING, where, params, page)
    due = (account_id, job_filter.kind, job_filter.due_by)
    table, first_params = due_table(*due, few=not fetch(*many_due(*due)))
    return ids_of(table, LISTING, where, [*first_params, *params], page)


def _search(account_id: int, job_filter: JobFilter, page: PageRequest, looked_at: int) -> Page:
    """The edge is read before the search: else a row that is added in between could fall between page and edge."""
    source = _source(account_id, job_filter, page, looked_at)
    listing = Listing({page.order[0]: (source.at, False)}, source.id)
    edge = _edge(source, listing, page, looked_at)
    if source.is_merged:  # again as far as the edge, since some may have been added before it
        table, of_table = _merged(account_id, job_filter, page, ANY_NUMBER, edge)
        source = source._replace(table=table, params=of_table)
    where, params = source.where, source.params
    if edge and not source.is_merged:
        mark = "<=" if page.order[1] == "asc" else ">="
        where, params = f"{where} AND ({source.at}, {source.id}) {mark} (%s, %s)", [*params, edge.value, edge.tie]
    table = "job" if source.table == "job" else f"{source.table} JOIN job ON job.id = {source.id}"
    where, params = f"{where} AND {source.judged_by}", [*params, *source.judged_params]
    matches = ids_of(table, listing, where, params, page)
    return Page(matches.rows, matches.end or edge)


def _edge(source: Source, listing: Listing, page: PageRequest, looked_at: int) -> Place | None:
    """The last row this page looks at; None when the list ends before."""
    looked = ids_of(source.table, listing, source.where, source.params, page._replace(limit=1, offset=looked_at - 1))
    return looked.end


def _source(account_id: int, job_filter: JobFilter, page: PageRequest, looked_at: int) -> Source:
    if page.order[0] == "scheduled_at":
        return _timed(account_id, job_filter)
    if is_one_label(job_filter.label):
        return _labeled(account_id, job_filter)
    judged = joined(of_rows(account_id, job_filter))
    if _has_any_state(job_filter):
        table, params = _merged(account_id, job_filter, page, looked_at + 1)
        return Source(table, "merged.at", "merged.job_id", "true", params, *judged, is_merged=True)
    where, params = joined(of_index(account_id, job_filter))
    return Source("job", "job.inserted_at", "job.id", where, params, *judged)


def _timed(account_id: int, job_filter: JobFilter) -> Source:
    where, params = joined(due_rows(account_id, job_filter))
    judged = joined([*of_index(account_id, job_filter), *of_rows(account_id, job_filter)])
    return Source("job", "job.scheduled_at", "job.id", where, params, *judged)


def _labeled(account_id: int, job_filter: JobFilter) -> Source:
    where, params = joined(label_rows(account_id, job_filter))
    judged = joined([*of_kind(account_id, job_filter), *of_rows(account_id, job_filter, with_label=False)])
    return Source("job_label", "job_label.inserted_at", "job_label.job_id", where, params, *judged)


def _rows(ids: list[Any], order: tuple[str, str]) -> list[JobRow]:
    rows = fitting("job", SHOWN, bytes_of("args", "body"), any_of("id", ids), LISTING, order)
    return [shown_row(row) for row in rows]
