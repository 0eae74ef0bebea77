"""Owns the lists of an account's jobs: which are asked for, and the page of them.

What an index finds is found whatever the size of the table. `host` and `text` have no index, and a label may be on very
many jobs: there a page looks at LOOKED_AT rows at most and ends where it stopped looking, so it may be short or empty
and still go on.
"""

from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.paging import Listing, Page, PageRequest, Place, ids_of, order_sql
from models.database.sql import any_of, fetch
from models.jobs.job_store import SHOWN, JobRow, shown_row

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
)
LOOKED_AT = 20_000
UNKNOWN = "unknown"


class JobFilter(NamedTuple):
    """Which jobs are asked for; None does not restrict."""

    kind: str
    state: str | None = None
    after: int | None = None  # inserted at this instant or later
    before: int | None = None  # inserted earlier than this instant
    label: str | None = None
    host: str | None = None
    parent: int | str | None = None  # the integer or UUID of the job that they tell of
    text: str | None = None  # part of the URL or the name, whatever the case of ASCII letters
    reason: str | None = None  # why the latest attempt failed; UNKNOWN for one that tells none

    @property
    def is_search(self) -> bool:
        """Whether no index leads to exactly these jobs; then they are listed by `inserted_at` and without offset."""
        return any(value is not None for value in (self.label, self.host, self.text, self.reason))


class Source(NamedTuple):
    """Where rows are looked at in the order of their insertion: what an index finds, and what each is judged by."""

    table: str
    at: str  # the columns of the instant and of the job's integer
    id: str
    where: str
    params: list[Any]
    judged_by: str
    judged_params: list[Any]


def listed(account_id: int, asked: JobFilter, page: PageRequest, looked_at: int | None = None) -> Page:
    """A page of the account's jobs, as JobRow; nulls come last, ties by id. `looked_at`: the most rows that a search
    looks at; None: LOOKED_AT.

    The page's ids are found first, from an index where there is one, so that a deep page reads no skipped row. Two
    statements, because PostgreSQL's planner may run a sub-select once a row of a table it believes to be empty.
    """
    ids, end = matching(account_id, asked, page, looked_at)
    return Page(_rows(ids, page.order), end)


def matching(account_id: int, asked: JobFilter, page: PageRequest, looked_at: int | None = None) -> Page:
    """The same page, as the jobs' integers."""
    if asked.is_search:
        return _search(account_id, asked, page, looked_at or LOOKED_AT)
    return _indexed(account_id, asked, page)


def _indexed(account_id: int, asked: JobFilter, page: PageRequest) -> Page:
    where, params = _conditions(
        ("account_id = %s", account_id),
        ("kind = %s", asked.kind),
        ("state = %s", asked.state),
        ("inserted_at >= %s", asked.after),
        ("inserted_at < %s", asked.before),
        _parent(asked.parent),
    )
    return ids_of("job", LISTING, where, params, page)


def _search(account_id: int, asked: JobFilter, page: PageRequest, looked_at: int) -> Page:
    """The edge is found before the search: rows that are added in between must not let them miss one another."""
    source = _labelled(account_id, asked) if asked.label is not None else _all(account_id, asked)
    listing = Listing({"inserted_at": (source.at, False)}, source.id)
    edge = _edge(source, listing, page, looked_at)
    where, params = source.where, source.params
    if edge:
        mark = "<=" if page.order[1] == "asc" else ">="
        where, params = f"{where} AND ({source.at}, {source.id}) {mark} (%s, %s)", [*params, edge.value, edge.tie]
    table = "job" if source.table == "job" else f"{source.table} JOIN job ON job.id = {source.id}"
    where, params = f"{where} AND {source.judged_by}", [*params, *source.judged_params]
    found = ids_of(table, listing, where, params, page)
    return Page(found.rows, found.end or edge)


def _edge(source: Source, listing: Listing, page: PageRequest, looked_at: int) -> Place | None:
    """The last row this page looks at; None when the list ends before."""
    looked = ids_of(source.table, listing, source.where, source.params, page._replace(limit=1, offset=looked_at - 1))
    return looked.end


def _all(account_id: int, asked: JobFilter) -> Source:
    where, params = _conditions(
        ("job.account_id = %s", account_id),
        ("job.kind = %s", asked.kind),
        ("job.state = %s", asked.state),
        ("job.inserted_at >= %s", asked.after),
        ("job.inserted_at < %s", asked.before),
        _parent(asked.parent),
    )
    judged_by, given = _conditions(("job.host = %s", asked.host), *_text(asked.text), _reason(asked.reason))
    return Source("job", "job.inserted_at", "job.id", where, params, judged_by, given)


def _labelled(account_id: int, asked: JobFilter) -> Source:
    where, params = _conditions(
        ("job_label.account_id = %s", account_id),
        ("job_label.label = %s", asked.label),
        ("job_label.inserted_at >= %s", asked.after),
        ("job_label.inserted_at < %s", asked.before),
    )
    judged_by, given = _conditions(
        ("job.kind = %s", asked.kind),
        ("job.state = %s", asked.state),
        ("job.host = %s", asked.host),
        _parent(asked.parent),
        *_text(asked.text),
        _reason(asked.reason),
    )
    return Source("job_label", "job_label.inserted_at", "job_label.job_id", where, params, judged_by, given)


def _conditions(*pairs: tuple[str, Any]) -> tuple[str, list[Any]]:
    """Those whose value is not None, joined by AND; a condition names its value once or twice."""
    given = [(condition, value) for condition, value in pairs if value is not None]
    params = [value for condition, value in given for _ in range(condition.count("%s"))]
    return " AND ".join(condition for condition, _ in given) or "true", params


def _parent(key: int | str | None) -> tuple[str, Any]:
    if isinstance(key, str):
        return "job.parent_id = (SELECT told.id FROM job AS told WHERE told.uuid = %s)", key
    return "job.parent_id = %s", key


def _text(text: str | None) -> list[tuple[str, Any]]:
    if dialect() == "postgresql":
        inside = 'position(lower(%s::text COLLATE "C") IN lower({} COLLATE "C")) > 0'
        url = "(job.args::json ->> 'url')"
    else:
        inside, url = "instr(lower({}), lower(%s)) > 0", "json_extract(job.args, '$.url')"
    return [(f"({inside.format(url)} OR {inside.format('job.name')})", text)]


def _reason(reason: str | None) -> tuple[str, str | None]:
    told = "SELECT attempt.reason FROM attempt WHERE attempt.job_id = job.id AND attempt.number = job.attempt"
    return f"COALESCE(NULLIF(({told}), ''), '{UNKNOWN}') = %s", reason


def _rows(ids: list[Any], order: tuple[str, str]) -> list[JobRow]:
    these, given = any_of("id", ids)
    rows = fetch(f"SELECT {SHOWN} FROM job WHERE {these} ORDER BY {order_sql(LISTING, order)}", (given,))
    return [shown_row(row) for row in rows]
