"""Owns what clients ask of the log: one entry, or a page of them. Writing is `models/jobs/records.py`'s.

Every question names the account; an entry of another account is not found.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.paging import Listing, Page, PageRequest, ids_of, order_sql
from models.database.sql import fetch

LISTING = Listing(
    {"inserted_at": ("inserted_at", False), "event": ("event", False), "job_id": ("job_id", False)},
    "uuid",
    frozenset({"event"}),
)


class LogEntryRow(NamedTuple):
    """What an owner may see of a log entry; `payload` is JSON text."""

    uuid: str
    job_id: int
    event: str
    payload: str
    inserted_at: int


class LogFilter(NamedTuple):
    """Which entries are asked for; None does not restrict. `job` is the integer or the UUID of a job."""

    job: int | str | None = None
    event: str | None = None
    schedule_id: str | None = None


SHOWN = ", ".join(LogEntryRow._fields)


def find(account_id: int, uuid: str) -> LogEntryRow | None:
    """The account's log entry of this UUID."""
    rows = fetch(f"SELECT {SHOWN} FROM log_entry WHERE uuid = %s AND account_id = %s", (uuid, account_id))
    return _entry(rows[0]) if rows else None


def listed(account_id: int, asked: LogFilter, page: PageRequest) -> Page:
    """A page of the account's log, as LogEntryRow; ties by id.

    The page's ids are found first, as in `models/jobs/job_lists.py`.
    """
    ids, end = ids_of("log_entry", LISTING, *_restricted(account_id, asked), page)
    if not ids:
        return Page([], end)
    these, by = ", ".join(["%s"] * len(ids)), order_sql(LISTING, page.order)
    rows = fetch(f"SELECT {SHOWN} FROM log_entry WHERE uuid IN ({these}) ORDER BY {by}", ids)
    return Page([_entry(row) for row in rows], end)


def _restricted(account_id: int, asked: LogFilter) -> tuple[str, list[Any]]:
    where: list[str] = ["account_id = %s"]
    params: list[Any] = [account_id]
    for condition, value in (
        ("job_id = %s", asked.job if isinstance(asked.job, int) else None),
        (
            "job_id = (SELECT id FROM job WHERE uuid = %s AND job.account_id = log_entry.account_id)",
            asked.job if isinstance(asked.job, str) else None,
        ),
        ("event = %s", asked.event),
        ("schedule_id = %s", asked.schedule_id),
    ):
        if value is not None:
            where, params = [*where, condition], [*params, value]
    return " AND ".join(where), params


def _entry(row: Sequence[Any]) -> LogEntryRow:
    entry = LogEntryRow(*row)
    return entry._replace(uuid=str(entry.uuid))
