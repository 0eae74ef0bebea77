"""Makes, finds, lists, cancels and deletes operations. `models/operations/bulk.py` works them off.

Every query names the account, except those of the ticker.
"""

import json
from collections.abc import Collection
from typing import NamedTuple

from models.database.paging import Listing, Page, PageRequest, Place, ids_of
from models.database.sql import any_of, execute, fetch, skipping_locked
from models.database.transactions import transaction, write_turn
from models.jobs.job_json import compact
from models.jobs.searches.job_filter import JobFilter
from models.jobs.searches.merged_states import Count
from models.rules.clock import DAY

RUNNING, DONE, CANCELLED = "running", "done", "cancelled"
STATES = (RUNNING, DONE, CANCELLED)
LISTING = Listing({"inserted_at": ("inserted_at", False)}, "id")
MAX_RUNNING = 100  # of an account
KEPT_US = 30 * DAY
PRUNED_AT_ONCE = 1000


class TooMany(Exception):
    """The account has as many running operations as it may have."""


class OperationRow(NamedTuple):
    """An operation; see models/operations/operation_tables.py for each column."""

    id: int
    uuid: str
    account_id: int
    action: str
    sent: str
    job_filter: str
    at_most: int | None
    inserted_at: int
    state: str
    place_at: int | None
    place_id: int | None
    is_read: int
    held: str
    done: int
    failed: int
    jobs_left: int
    more_left: int
    counted_at: int
    ended_at: int | None
    hops: int

    def __repr__(self) -> str:
        return f"OperationRow(id={self.id}, action={self.action!r}, state={self.state!r})"  # its filter may be secret

    @property
    def place(self) -> Place | None:
        return None if self.place_at is None or self.place_id is None else Place(self.place_at, self.place_id)

    @property
    def filter(self) -> JobFilter:
        return read_filter(self.job_filter)

    @property
    def held_ids(self) -> list[int]:
        ids: list[int] = json.loads(self.held)
        return ids


COLUMNS = ", ".join(OperationRow._fields)
WRITTEN = ("place_at", "place_id", "is_read", "held", "done", "failed", "jobs_left", "more_left", "counted_at")
ENDS = ("state", "ended_at")


def create(
    account_id: int,
    action: str,
    sent: str,
    job_filter: JobFilter,
    at_most: int | None,
    left: Count,
    now: int,
    uuid: str,
    hops: int,
) -> OperationRow | None:
    """Store an operation unless there is one of this UUID; the account's operation of this UUID. `sent`: the filter as
    JSON, for showing. Raises TooMany."""
    with transaction():
        running = f"SELECT count(*) FROM operation WHERE account_id = %s AND state = '{RUNNING}' AND uuid <> %s"
        if fetch(running, (account_id, uuid))[0][0] >= MAX_RUNNING:
            raise TooMany
        execute(
            "INSERT INTO operation (uuid, account_id, action, sent, job_filter, at_most, inserted_at, jobs_left, "
            "more_left, counted_at, hops, state, is_read, held, done, failed) "
            f"VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '{RUNNING}', 0, '[]', 0, 0) "
            "ON CONFLICT (uuid) DO NOTHING",
            (uuid, account_id, action, sent, written(job_filter), at_most, now, left.jobs, int(left.more), now, hops),
        )
        return find(account_id, uuid)


def find(account_id: int, uuid: str) -> OperationRow | None:
    rows = fetch(f"SELECT {COLUMNS} FROM operation WHERE uuid = %s AND account_id = %s", (uuid, account_id))
    return OperationRow(*rows[0]) if rows else None


def listed(account_id: int, state: str | None, page: PageRequest) -> Page:
    """A page of the account's operations."""
    where, params = (
        ("account_id = %s AND state = %s", [account_id, state]) if state else ("account_id = %s", [account_id])
    )
    ids = ids_of("operation", LISTING, where, params, page)
    these, values = any_of("id", ids.rows)
    rows = {row[0]: OperationRow(*row) for row in fetch(f"SELECT {COLUMNS} FROM operation WHERE {these}", (values,))}
    return Page([rows[row_id] for row_id in ids.rows if row_id in rows], ids.end)


def cancel(account_id: int, uuid: str, now: int) -> OperationRow | None:
    """End an operation that runs; what is done stays done. Returns it; None when there is none."""
    with write_turn():
        execute(
            f"UPDATE operation SET state = '{CANCELLED}', ended_at = %s "
            f"WHERE uuid = %s AND account_id = %s AND state = '{RUNNING}'",
            (now, uuid, account_id),
        )
    return find(account_id, uuid)


def next_running(after_account: int, without: Collection[int]) -> OperationRow | None:
    """The oldest running operation of the account behind this one, or else of the first account that has one; some are
    left out."""
    these, params = any_of("id", list(without))
    sql = (
        f"SELECT {COLUMNS} FROM operation WHERE state = '{RUNNING}' AND account_id > %s AND NOT ({these}) "
        "ORDER BY account_id, id LIMIT 1"
    )
    for account in dict.fromkeys((after_account, 0)):
        for row in fetch(sql, (account, params)):
            return OperationRow(*row)
    return None


def locked(operation_id: int) -> OperationRow | None:
    """The running operation, until the transaction ends nobody else's; None when somebody has it or it has ended."""
    where = f"id = %s AND state = '{RUNNING}'{skipping_locked()}"
    rows = fetch(f"SELECT {COLUMNS} FROM operation WHERE {where}", (operation_id,))
    return OperationRow(*rows[0]) if rows else None


def store(operation: OperationRow) -> None:
    """Write how far a locked operation is."""
    names = (*WRITTEN, *ENDS)
    values = [getattr(operation, name) for name in names]
    assignments = ", ".join(f"{name} = %s" for name in names)
    execute(f"UPDATE operation SET {assignments} WHERE id = %s", (*values, operation.id))


def store_count(operation_id: int, left: Count, now: int) -> None:
    """Write how many jobs a running operation has before it."""
    with write_turn():
        execute(
            "UPDATE operation SET jobs_left = %s, more_left = %s, counted_at = %s "
            f"WHERE id = %s AND state = '{RUNNING}'",
            (left.jobs, int(left.more), now, operation_id),
        )


def prune(now: int) -> int:
    """Delete operations that ended long ago; returns how many. A duty of the ticker."""
    old = "SELECT id FROM operation WHERE ended_at < %s ORDER BY ended_at LIMIT %s"
    with write_turn():
        return execute(f"DELETE FROM operation WHERE id IN ({old})", (now - KEPT_US, PRUNED_AT_ONCE))


def written(job_filter: JobFilter) -> str:
    """A filter as the text of its column."""
    return compact({name: value for name, value in job_filter._asdict().items() if value is not None})


def read_filter(text: str) -> JobFilter:
    members = json.loads(text)
    ids = members.pop("ids", None)
    return JobFilter(**members, ids=None if ids is None else tuple(ids))
