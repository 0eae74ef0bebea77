"""Takes acknowledgements of targets, and finds the attempts that one, or its absence, has ended.

A target that answered "later" reports the end of its attempt once. The report is stored under the job and the fence of
its claim, so none counts for a later attempt. It may come before the target's own response is recorded: then it waits
here. The ticker ends the attempts (`workers/ticker/acknowledger.py`), since only workers know what follows from one.
"""

from collections.abc import Collection, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from models.accounts.ack_tokens import Attempted
from models.database.sql import any_of, execute, fetch, for_update, skipping_locked, values_table
from models.database.transactions import transaction, write_turn
from models.jobs import lifecycle
from models.jobs.lifecycle import CLAIMED, ClaimedJob
from models.jobs.states import in_states
from models.rules.clock import DAY

MAX_BODY_BYTES = 64 * 1024  # as much as is kept of a response
KEPT_US = DAY  # longer than any request lasts; until then a second acknowledgement is told that it is the second
AT_ONCE = 200
OF_WAITING = "job.id = ack.job_id AND job.claim_id = ack.claim_id"
ACKED = "EXISTS (SELECT 1 FROM ack WHERE ack.job_id = job.id AND ack.claim_id = job.claim_id)"
EXECUTING = in_states(["executing"], "job")


class Ack(NamedTuple):
    """What a target reports: how its attempt ended, and what it has to say of that."""

    succeeded: bool
    body: bytes | None = None
    content_type: str | None = None


class Taken(Enum):
    """What became of an acknowledgement."""

    ACCEPTED = auto()
    SECOND = auto()  # one was accepted before
    CANCELLED = auto()  # the job was cancelled
    LATE = auto()  # the attempt has ended without it


class Acked(NamedTuple):
    """An attempt that its target has acknowledged; with None it has not, and its time is over."""

    job: ClaimedJob
    ack: Ack | None


def take(attempted: Attempted, ack: Ack, now: int) -> Taken:
    """Store an acknowledgement, unless its attempt has one or has ended. Once it is accepted, no deadline ends the
    attempt."""
    with transaction():
        sql = f"SELECT state, claim_id, ack_until FROM job WHERE id = %s{for_update('NO KEY UPDATE')}"
        [(state, claim_id, until)] = fetch(sql, (attempted.job_id,)) or [(None, None, None)]
        if _has_come(attempted):
            return Taken.SECOND
        if state == "cancelled":
            return Taken.CANCELLED
        if claim_id != attempted.claim_id or (until is not None and until < now):
            return Taken.LATE
        execute(
            "INSERT INTO ack (job_id, claim_id, succeeded, body, content_type, received_at) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            (*attempted, int(ack.succeeded), ack.body, ack.content_type, now),
        )
        lifecycle.keep_acknowledged(attempted.job_id, attempted.claim_id)
    return Taken.ACCEPTED


def ready() -> list[Acked]:
    """Attempts that were acknowledged and whose jobs wait for that, the first acknowledged first."""
    sql = (
        f"SELECT {CLAIMED}, ack.succeeded, ack.body, ack.content_type FROM ack JOIN job ON {OF_WAITING} "
        f"WHERE ack.settled_at IS NULL AND job.ack_until IS NOT NULL AND {EXECUTING} ORDER BY ack.received_at LIMIT %s"
    )
    return [_acked(row) for row in fetch(sql, (AT_ONCE,))]


def overdue(leases_from: int, leases_until: int) -> list[ClaimedJob]:
    """Jobs whose targets did not acknowledge in time, locked until the transaction ends. Passes over those that another
    session holds."""
    sql = (
        f"SELECT {CLAIMED} FROM job WHERE {lifecycle.LEASE_ENDS} AND ack_until IS NOT NULL AND {EXECUTING} "
        f"AND NOT {ACKED} ORDER BY lease_until LIMIT %s{skipping_locked('NO KEY UPDATE OF job')}"
    )
    return [ClaimedJob(*row) for row in fetch(sql, (leases_from, leases_until, AT_ONCE))]


def settle(claims: Collection[tuple[int, int]], now: int) -> None:
    """Note that nothing is left to do for the acknowledgements of these claims, by job and fence."""
    if claims:
        table, params = values_table("job_id bigint, claim_id bigint", sorted(claims))
        execute(
            f"UPDATE ack SET settled_at = %s FROM {table} AS input "
            "WHERE ack.job_id = input.job_id AND ack.claim_id = input.claim_id",
            (now, *params),
        )


def settle_useless(now: int) -> int:
    """Settle acknowledgements that no job waits for any more: it ended otherwise. Returns how many."""
    useless = f"NOT EXISTS (SELECT 1 FROM job WHERE {OF_WAITING} AND {EXECUTING})"
    if not fetch(f"SELECT 1 FROM ack WHERE settled_at IS NULL AND {useless} LIMIT 1"):
        return 0
    with write_turn():
        return execute(f"UPDATE ack SET settled_at = %s WHERE settled_at IS NULL AND {useless}", (now,))


def note_ends(ends: Sequence[tuple[int, int, int, str | None, int | None]]) -> None:
    """Write how attempts ended that were under way until now: rows of (job, number, instant, reason, next try)."""
    columns = "job_id bigint, number int, at bigint, reason text, next_at bigint"
    table, params = values_table(columns, ends)
    execute(
        f"UPDATE attempt SET finished_at = input.at, reason = input.reason, next_at = input.next_at "
        f"FROM {table} AS input WHERE attempt.job_id = input.job_id AND attempt.number = input.number",
        params,
    )


def prune(limit: int, now: int) -> int:
    """Delete at most `limit` settled acknowledgements that are older than they are kept; returns how many."""
    rows = fetch(
        "SELECT job_id, claim_id FROM ack WHERE received_at < %s AND settled_at IS NOT NULL "
        "ORDER BY received_at LIMIT %s",
        (now - KEPT_US, limit),
    )
    if not rows:
        return 0
    these, params = any_of("job_id", [job_id for job_id, _ in rows])
    with write_turn():
        return execute(f"DELETE FROM ack WHERE {these} AND received_at < %s", (params, now - KEPT_US))


def _has_come(attempted: Attempted) -> bool:
    return bool(fetch("SELECT 1 FROM ack WHERE job_id = %s AND claim_id = %s", attempted))


def _acked(row: Sequence[Any]) -> Acked:
    *claimed, succeeded, body, content_type = row
    return Acked(ClaimedJob(*claimed), Ack(bool(succeeded), body, content_type))
