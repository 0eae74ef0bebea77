"""Reads what waits and is due in the order of time: what was to come later by its index, merged with what was due at
once. However many jobs are overdue, a page reads no more of the index than it shows, or than a search looks at.
"""

from typing import Any

from models.database.paging import Page, PageRequest, Place
from models.database.sql import fetch
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import Condition, JobFilter, joined, of_index
from models.jobs.states import AT_ONCE, LATER, WAITING, in_states

ORDER = "scheduled_at"


def matching(account_id: int, job_filter: JobFilter, page: PageRequest, looked_at: int) -> Page:
    """The integers of the jobs of a page, ties by id. A search looks at `looked_at` jobs at most and ends where it
    stopped."""
    if job_filter.is_search:
        places = _places(account_id, job_filter, page, looked_at + 1)
        matches = merged_states.page_of(account_id, job_filter, WAITING, page.limit, places, looked_at)
        return Page([place.tie for place in matches.rows], matches.end)
    places = _places(account_id, job_filter, page, page.limit + 1)
    shown = places[: page.limit]
    return Page([place.tie for place in shown], shown[-1] if len(places) > page.limit else None)


def _places(account_id: int, job_filter: JobFilter, page: PageRequest, limit: int) -> list[Place]:
    """The next of what an index gives, soonest first or last."""
    others = of_index(account_id, job_filter._replace(due_by=None))
    later = [(in_states(LATER, "job"), []), ("job.scheduled_at <= %s", [job_filter.due_by])]
    at_once: list[Condition] = [(in_states(AT_ONCE, "job"), [])]
    parts = [_part([*others, *conditions], page, limit) for conditions in (later, at_once)]
    merged = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part" for sql, _ in parts)
    sql = f"SELECT at, job_id FROM ({merged}) AS parts ORDER BY {_order('at', 'job_id', page)} LIMIT %s OFFSET %s"
    params = [value for _, values in parts for value in values]
    return [Place(at, job_id) for at, job_id in fetch(sql, [*params, limit, page.offset])]


def _part(conditions: list[Condition], page: PageRequest, limit: int) -> Condition:
    beyond: list[tuple[str, list[Any]]] = []
    if page.place:
        sign = ">" if page.order[1] == "asc" else "<"
        # The first bound is what an index of one column is searched by.
        both = f"job.scheduled_at {sign}= %s AND (job.scheduled_at, job.id) {sign} (%s, %s)"
        beyond = [(both, [page.place.value, page.place.value, page.place.tie])]
    where, params = joined([*conditions, *beyond])
    order = _order("job.scheduled_at", "job.id", page)
    sql = f"SELECT job.scheduled_at AS at, job.id AS job_id FROM job WHERE {where} ORDER BY {order} LIMIT %s"
    return sql, [*params, limit + page.offset]


def _order(at: str, job_id: str, page: PageRequest) -> str:
    return f"{at} {page.order[1]}, {job_id} {page.order[1]}"
