"""Reads the log for clients: one entry, or a page of entries. `models/jobs/records.py` writes it.

Every query names the account; an entry of another account is not found.
"""

from typing import Any, NamedTuple

from models.database import settling
from models.database.paging import Listing, Page, PageRequest, bytes_of, fitting, ids_of, shown_page
from models.database.sql import any_of, fetch

LISTING = Listing(
    {"inserted_at": ("inserted_at", False), "event": ("event", False), "job_id": ("job_id", False)},
    "uuid",
    frozenset({"event"}),
    frozenset({"inserted_at"}),
)
FOLLOWED = ("inserted_at", "asc")


class LogEntryRow(NamedTuple):
    """What an owner may see of a log entry; `payload` is JSON text."""

    uuid: str
    job_id: int
    event: str
    payload: str
    inserted_at: int


class LogFilter(NamedTuple):
    """Which entries to list; None does not restrict. `job` is the integer or the UUID of a job."""

    job: int | str | None = None
    event: str | None = None
    schedule_id: str | None = None
    before: int | None = None  # inserted earlier than this instant
    after: int | None = None  # inserted at this instant or later


SHOWN = ", ".join(LogEntryRow._fields)


def find(account_id: int, uuid: str) -> LogEntryRow | None:
    """The account's log entry of this UUID."""
    rows = fetch(f"SELECT {SHOWN} FROM log_entry WHERE uuid = %s AND account_id = %s", (uuid, account_id))
    return LogEntryRow(*rows[0]) if rows else None


def settled(chosen: LogFilter, order: tuple[str, str]) -> LogFilter:
    """The filter for a list that a client may follow, as in `models/jobs/job_lists.py`."""
    return chosen._replace(before=settling.settled_until()) if order == FOLLOWED else chosen


def listed(account_id: int, chosen: LogFilter, page: PageRequest) -> Page:
    """A page of the account's log, as LogEntryRow; ties by id. It ends early where its entries are large.

    The page's ids are found first, as in `models/jobs/job_lists.py`.
    """
    ids = ids_of("log_entry", LISTING, *_restricted(account_id, chosen), page)
    if not ids.rows:
        return ids
    these = any_of("uuid", ids.rows, "uuid")
    rows = fitting("log_entry", SHOWN, bytes_of("payload"), these, LISTING, page.order)
    return shown_page([LogEntryRow(*row) for row in rows], ids, LISTING, page.order)


def _restricted(account_id: int, chosen: LogFilter) -> tuple[str, list[Any]]:
    of_uuid = "job_id = (SELECT id FROM job WHERE uuid = %s AND job.account_id = log_entry.account_id)"
    conditions = {
        "account_id = %s": account_id,
        of_uuid if isinstance(chosen.job, str) else "job_id = %s": chosen.job,
        "event = %s": chosen.event,
        "schedule_id = %s": chosen.schedule_id,
        "inserted_at < %s": chosen.before,
        "inserted_at >= %s": chosen.after,
    }
    values = {condition: value for condition, value in conditions.items() if value is not None}
    return " AND ".join(values), list(values.values())
