"""Makes, finds, lists, cancels and prunes backfills. `models/schedules/backfills/backfill_turns.py` works them off.

Every query names the account, except those of the ticker.
"""

import json
from typing import NamedTuple

from models.database.ids import new_id
from models.database.sql import execute, fetch, for_update
from models.database.transactions import transaction
from models.rules import recurrence
from models.rules.clock import DAY
from models.schedules import firing_rows, schedule_changes, schedule_store
from models.schedules.backfills.backfill_tables import Backfill
from models.schedules.cancel import cancel as cancel_jobs
from models.schedules.firing_rows import CANCELLED as INSTANT_CANCELLED
from models.schedules.planning import Planned

RUNNING, DONE, CANCELLED = "running", "done", "cancelled"
STATES = (RUNNING, DONE, CANCELLED)
MAX_INSTANTS = 1000
BY_OWNER = "its backfill was cancelled"
KEPT_US = 30 * DAY
PRUNED_AT_ONCE = 1000


class NoInstant(Exception):
    """The schedule has no instant in the range."""


class TooMany(Exception):
    """The schedule has more than MAX_INSTANTS in the range."""


class IsRunning(Exception):
    """The schedule has a running backfill, whose UUID this is."""


class BackfillRow(NamedTuple):
    """A backfill; see models/schedules/backfills/backfill_tables.py for each column."""

    id: int
    uuid: str
    account_id: int
    schedule_id: str
    first_at: int
    last_at: int
    size: int
    inserted_at: int
    state: str
    looked_at: int
    made: int
    job_id: int | None
    ended_at: int | None


COLUMNS = ", ".join(BackfillRow._fields)


def create(account_id: int, key: str, first_at: int, last_at: int, now: int) -> BackfillRow | None:
    """A backfill of the schedule's instants from `first_at` to `last_at`; None when there is no such schedule. Raises
    NoInstant, TooMany, IsRunning and schedule_changes.NotComputable."""
    with transaction():
        schedule = schedule_changes.locked(account_id, key, now)
        if schedule is None:
            return None
        running = _first(f"SELECT {COLUMNS} FROM backfill WHERE schedule_id = %s AND state = 'running'", (schedule.id,))
        if running:
            raise IsRunning(running.uuid)
        instants = _instants_of(schedule, first_at, min(last_at, now))
        if not instants:
            raise NoInstant
        if len(instants) > MAX_INSTANTS:
            raise TooMany
        range_of = {"first_at": first_at, "last_at": last_at, "instants": json.dumps(instants), "size": len(instants)}
        progress = {"state": RUNNING, "looked_at": 0, "made": 0, "inserted_at": now}
        uuid = new_id()
        row = {"uuid": uuid, "account_id": account_id, "schedule_id": schedule.id, **range_of, **progress}
        Backfill.insert(row).execute()
        return find(account_id, uuid)


def find(account_id: int, uuid: str) -> BackfillRow | None:
    """The account's backfill of this UUID."""
    return _first(f"SELECT {COLUMNS} FROM backfill WHERE uuid = %s AND account_id = %s", (uuid, account_id))


def listed(account_id: int, key: str, limit: int) -> list[BackfillRow] | None:
    """The latest backfills of a schedule; None when there is no such schedule."""
    schedule_id = schedule_store.id_of(account_id, key)
    if schedule_id is None:
        return None
    sql = f"SELECT {COLUMNS} FROM backfill WHERE schedule_id = %s ORDER BY id DESC LIMIT %s"
    return [_row(*row) for row in fetch(sql, (schedule_id, limit))]


def cancel(account_id: int, uuid: str, now: int) -> BackfillRow | None:
    """Make no more jobs, and cancel the one that waits; one under way goes on. One that has ended stays as it is."""
    with transaction():
        these = f"uuid = %s AND account_id = %s{for_update()}"
        row = _first(f"SELECT {COLUMNS} FROM backfill WHERE {these}", (uuid, account_id))
        if row and row.state == RUNNING:
            execute("UPDATE backfill SET state = %s, ended_at = %s WHERE id = %s", (CANCELLED, now, row.id))
            if row.job_id is not None:
                cancel_jobs([row.job_id], BY_OWNER, INSTANT_CANCELLED, now)
        return find(account_id, uuid)


def prune(now: int) -> int:
    """Delete backfills that ended long ago; returns how many."""
    old = "SELECT id FROM backfill WHERE ended_at < %s ORDER BY ended_at LIMIT %s"
    with transaction():
        return execute(f"DELETE FROM backfill WHERE id IN ({old})", (now - KEPT_US, PRUNED_AT_ONCE))


def _instants_of(schedule: Planned, first_at: int, last_at: int) -> list[int]:
    """The instants of the schedule in a range, one more than there may be at most."""
    instants: list[int] = []
    try:
        frequency = recurrence.frequency_of(schedule.frequency, schedule.calendar_days)
        at = recurrence.first_from(frequency, _earliest(schedule, frequency, first_at))
        while at is not None and at <= last_at and len(instants) <= MAX_INSTANTS:
            instants.append(at)
            at = recurrence.next_after(frequency, at)
    except (KeyError, ValueError) as error:
        raise schedule_changes.NotComputable from error
    return instants


def _earliest(schedule: Planned, frequency: recurrence.Frequency, first_at: int) -> int:
    """From when on instants count. Those of an interval are as many intervals from one that is known."""
    if frequency.every_us is None:
        return first_at
    latest = firing_rows.latest([schedule.id]).get(schedule.id, [])
    known = schedule.next_at or next((row.fire_at for row in reversed(latest)), None)
    if known is None:
        raise NoInstant
    earliest = max(first_at, frequency.bounds.starts_at or 0)
    return earliest + (known - earliest) % frequency.every_us


def _first(sql: str, params: tuple[object, ...]) -> BackfillRow | None:
    return next((_row(*row) for row in fetch(sql, params)), None)


def _row(*values: object) -> BackfillRow:
    row = BackfillRow(*values)  # type: ignore[arg-type]
    return row._replace(uuid=str(row.uuid), schedule_id=str(row.schedule_id))
