"""Reads the jobs of several states as one list in the order of insertion, a bounded part at a time.

An index of jobs gives those of one state in this order. One statement reads the beginning of each of them and merges:
there every job is in exactly one state. So whoever follows the list by its place meets every job once, whatever states
the jobs go through meanwhile. An index of all states would take an entry at each of the four writes of a job. Every
query names the account.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.paging import Page, PageRequest, Place
from models.database.sql import any_of, fetch
from models.jobs.searches.job_filter import (
    Condition,
    JobFilter,
    is_one_label,
    joined,
    label_rows,
    of_index,
    of_known,
    of_rows,
)
from models.jobs.states import in_states

States = tuple[str, ...]


class Count(NamedTuple):
    """How many jobs match; `more`: whether there may be others."""

    jobs: int
    more: bool


def matching(account_id: int, job_filter: JobFilter, states: States, page: PageRequest, looked_at: int) -> Page:
    """The places of the jobs of a page; at most `looked_at` rows are looked at. The page's order is by insertion."""
    looked_at = looked_at if is_judged(job_filter) else page.limit
    places = _places(account_id, job_filter, states, page, looked_at + 1)
    return page_of(account_id, job_filter, states, page.limit, places, looked_at)


def page_of(
    account_id: int, job_filter: JobFilter, states: States, limit: int, places: list[Place], looked_at: int
) -> Page:
    """The first of these places whose jobs match, `limit` at most. It ends behind the last that was looked at where
    there are more than `looked_at`."""
    looked = places[:looked_at]
    ids = _judged(account_id, job_filter, states, [place.tie for place in looked])
    matches = [place for place in looked if place.tie in ids]
    if len(matches) > limit:
        return Page(matches[:limit], matches[limit - 1])
    return Page(matches, looked[-1] if len(places) > looked_at else None)


def count(account_id: int, job_filter: JobFilter, states: States, page: PageRequest, looked_at: int) -> Count:
    """How many jobs come behind the page's place, `limit` at most, as far as so many rows show it."""
    if is_judged(job_filter):
        matches = matching(account_id, job_filter, states, page, looked_at)
        return Count(len(matches.rows), matches.end is not None)
    sql, params = rows(account_id, job_filter, states, page, page.limit + 1)
    [[jobs]] = fetch(f"SELECT count(*) FROM ({sql}) AS rows_ahead", params)
    return Count(min(jobs, page.limit), jobs > page.limit)


def has_own_index(job_filter: JobFilter) -> bool:
    """Whether an index leads to these jobs without their states."""
    return job_filter.ids is not None or job_filter.schedule is not None or job_filter.parent is not None


def is_judged(job_filter: JobFilter) -> bool:
    """Whether not every row that an index gives matches."""
    return job_filter.is_search or job_filter.ids is not None


def _places(account_id: int, job_filter: JobFilter, states: States, page: PageRequest, limit: int) -> list[Place]:
    return [Place(at, job_id) for at, job_id in fetch(*rows(account_id, job_filter, states, page, limit))]


def rows(
    account_id: int,
    job_filter: JobFilter,
    states: States,
    page: PageRequest,
    limit: int,
    until: Place | None = None,
) -> Condition:
    """The SQL of the next rows (at, job_id) behind the page's place, in the page's order, and its parameters. `until`:
    none comes behind this place."""
    if is_one_label(job_filter.label) and job_filter.ids is None:
        label = label_rows(account_id, job_filter)
        sql, params = _part("job_label", "job_label.inserted_at", "job_label.job_id", label, page, limit)
        return _merged([sql], page, limit), params
    indexed = [*of_index(account_id, job_filter), *_until(page, until)]
    guards = [in_states([state], "job") for state in states]
    if has_own_index(job_filter):
        guards = [in_states(states, "job")]
    parts = [_part("job", "job.inserted_at", "job.id", [*indexed, (guard, [])], page, limit) for guard in guards]
    return _merged([sql for sql, _ in parts], page, limit), [value for _, params in parts for value in params]


def _merged(parts: Sequence[str], page: PageRequest, limit: int) -> str:
    """SQLite merges the parts row by row, each in the order of its index, and stops at the limit: a limit of each part
    would have it sort them. PostgreSQL does so only for parts that have a limit."""
    direction = page.order[1].upper()
    order = f"ORDER BY at {direction}, job_id {direction} LIMIT {limit}"
    if dialect() == "sqlite":
        return f"{' UNION ALL '.join(parts)} {order}"
    if len(parts) == 1:
        return parts[0]
    merged = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part" for sql in parts)
    return f"SELECT at, job_id FROM ({merged}) AS parts {order}"


def _until(page: PageRequest, last: Place | None) -> list[Condition]:
    if last is None:
        return []
    sign = "<=" if page.order[1] == "asc" else ">="
    return [(f"(job.inserted_at, job.id) {sign} (%s, %s)", [last.value, last.tie])]


def _part(table: str, at: str, job_id: str, conditions: list[Condition], page: PageRequest, limit: int) -> Condition:
    direction = page.order[1].upper()
    beyond: list[Condition] = []
    if page.place:
        sign = ">" if page.order[1] == "asc" else "<"
        beyond = [(f"({at}, {job_id}) {sign} (%s, %s)", [page.place.value, page.place.tie])]
    where, params = joined([*conditions, *beyond])
    sql = f"SELECT {at} AS at, {job_id} AS job_id FROM {table} WHERE {where}"
    if dialect() == "sqlite":
        return sql, params
    # The limit stands in the text. For one that it does not know PostgreSQL expects a tenth of all rows, and plans the
    # statement anew each time.
    return f"{sql} ORDER BY {at} {direction}, {job_id} {direction} LIMIT {limit}", params


def _judged(account_id: int, job_filter: JobFilter, states: States, ids: list[Any]) -> set[int]:
    """Those of these jobs that match in every respect."""
    if not ids:
        return set()
    these, values = any_of("job.id", ids)
    conditions = [*of_known(account_id, job_filter), (in_states(states, "job"), []), *of_rows(account_id, job_filter)]
    where, params = joined([(these, [values]), *conditions])
    return {row[0] for row in fetch(f"SELECT job.id FROM job WHERE {where}", params)}
