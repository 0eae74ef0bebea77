"""Reads and inserts schedules. `models/schedules/schedule_changes.py` makes and changes them for clients.

Every query names the account; a schedule of another account is not found.
"""

import hashlib
import json
from typing import Any, NamedTuple

from peewee import SQL

from models.database.base import read_rows
from models.database.ids import is_uuid
from models.database.paging import Listing, order_sql
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import NewJob
from models.schedules import firing_rows
from models.schedules.firing_rows import FiringRow
from models.schedules.policies import MISFIRE_ONCE, SKIP
from models.schedules.schedule_tables import Schedule

ORDERS = {
    "inserted_at": ("inserted_at", False),
    "disabled_at": ("disabled_at", True),
    "name": ("name", True),
}
LISTING = Listing(ORDERS, "id", frozenset({"name"}))
OF_ONE_JOB = {  # fields of NewJob that are each job's own, or columns of the schedule
    *("account_id", "args", "body", "content_type", "scheduled_at", "name", "description", "idempotency_key"),
    *("retry_until", "kind", "schedule_id", "fire_at", "start_by", "parent_id", "uuid", "after_uuid", "held_until"),
    "endpoint_id",
    "gates",
    "dedup",
    "traceparent",
}


class NewSchedule(NamedTuple):
    """A schedule that has been checked. `job`: the fields that its jobs share; `frequency` and the policies as in
    models/schedules/schedule_tables.py."""

    job: NewJob
    frequency: str
    first_at: int | None  # None: its bounds leave no instant
    key: str | None = None
    jitter_us: int = 0
    overlap: str = SKIP
    misfire: str = MISFIRE_ONCE
    catch_up_us: int = 3_600_000_000
    disable_after: int | None = None
    calendar_days: str | None = None  # set in the transaction that stores it


class ScheduleRow(NamedTuple):
    """What an owner may see of a schedule; see models/schedules/schedule_tables.py for each column."""

    id: str
    name: str | None
    description: str | None
    args: str
    body: bytes | None
    content_type: str | None
    frequency: str
    inserted_at: int
    disabled_at: int | None
    next_at: int | None
    failures: int
    previous: str | None
    state: str
    overlap: str
    misfire: str
    key: str | None

    @property
    def title(self) -> str | None:
        """What its owner calls it; None if the owner gave it neither a name nor a key."""
        return self.name or self.key


SHOWN = [getattr(Schedule, name) for name in ScheduleRow._fields]
DEFINITION = (
    *("name", "description", "args", "body", "content_type", "template", "frequency", "offset_us"),
    *("overlap", "misfire", "catch_up_us", "disable_after", "calendar_days"),
)


def enabled_total(account_id: int) -> int:
    """How many the account has that are enabled and not finished."""
    enabled = (Schedule.account_id == account_id, Schedule.disabled_at.is_null(), Schedule.next_at.is_null(False))
    return int(Schedule.select().where(*enabled).count())


def find(account_id: int, key: str) -> ScheduleRow | None:
    """The account's schedule of this UUID or client's key."""
    schedule_id = id_of(account_id, key)
    return row_of(schedule_id) if schedule_id else None


def listed(account_id: int, order: tuple[str, str], limit: int, offset: int) -> list[ScheduleRow]:
    """A page of the account's schedules. `order`: a name in ORDERS and "asc" or "desc"; nulls come last, ties by id."""
    rows = Schedule.select(*SHOWN).where(Schedule.account_id == account_id).order_by(SQL(order_sql(LISTING, order)))
    return read_rows(ScheduleRow, rows.limit(limit).offset(offset))


def listed_by_need(account_id: int, limit: int, offset: int) -> list[ScheduleRow]:
    """A page of the account's schedules for people: those that fail first, then the newest first."""
    order = SQL("CASE WHEN disabled_at IS NULL AND failures > 0 THEN 0 ELSE 1 END, inserted_at DESC, id DESC")
    rows = Schedule.select(*SHOWN).where(Schedule.account_id == account_id).order_by(order)
    return read_rows(ScheduleRow, rows.limit(limit).offset(offset))


def firings_of(
    account_id: int, key: str, status: str | None, order: tuple[str, str], limit: int, offset: int
) -> list[FiringRow] | None:
    """A page of the rows of the schedule's instants; None when there is no such schedule."""
    schedule_id = id_of(account_id, key)
    return firing_rows.list_firings(schedule_id, status, order, limit, offset) if schedule_id else None


def template_of(job: NewJob) -> str:
    """The fields that all jobs of a schedule share, as JSON."""
    fields = {name: value for name, value in job._asdict().items() if name not in OF_ONE_JOB}
    if job.kind != REQUEST:
        fields["kind"] = job.kind
    fields["max_age_us"] = None if job.retry_until is None else job.retry_until - job.scheduled_at
    return json.dumps(fields)


def offset_us(schedule_id: str, jitter_us: int) -> int:
    """How long after each instant the jobs of this schedule are due: constant, and spread evenly over schedules."""
    return int.from_bytes(hashlib.sha256(schedule_id.encode()).digest()[:8]) % (jitter_us + 1)


def definition_of(new: NewSchedule, schedule_id: str) -> dict[str, Any]:
    """The values of DEFINITION, by column."""
    values = new.job._asdict() | new._asdict()
    values["template"] = template_of(new.job)
    values["offset_us"] = offset_us(schedule_id, new.jitter_us)
    return {name: values[name] for name in DEFINITION}


def stored_definition(schedule_id: str) -> dict[str, Any]:
    """The values of DEFINITION as the table has them."""
    columns = [getattr(Schedule, name) for name in DEFINITION]
    [row] = read_rows(dict[str, Any], Schedule.select(*columns).where(Schedule.id == schedule_id))
    return row


def insert(new: NewSchedule, schedule_id: str, now: int) -> bool:
    """Insert a schedule; False when its key is taken."""
    owned = {"id": schedule_id, "account_id": new.job.account_id, "key": new.key, **definition_of(new, schedule_id)}
    started = {"next_at": new.first_at, "runs": 1, "inserted_at": now, "enabled_at": now, "failures": 0, "state": "{}"}
    return bool(Schedule.insert(**owned, **started).on_conflict_ignore().as_rowcount().execute())


def id_of(account_id: int, key: str) -> str | None:
    """The id of the account's schedule of this UUID or client's key."""
    column = Schedule.id if is_uuid(key) else Schedule.key
    schedule = Schedule.select(Schedule.id).where(column == key, Schedule.account_id == account_id).get_or_none()
    return None if schedule is None else str(schedule.id)


def row_of(schedule_id: str) -> ScheduleRow | None:
    """The schedule of this id, of whatever account."""
    rows = read_rows(ScheduleRow, Schedule.select(*SHOWN).where(Schedule.id == schedule_id))
    return rows[0] if rows else None
