"""Owns what clients ask of schedules: making, finding, listing, changing, disabling, enabling, deleting, firing now.

Every question names the account; a schedule of another account is not found. A change locks the schedule's row first
(PostgreSQL; on SQLite writers take turns) and plans what is due, so that neither the planner nor a claim can come in
between, and cancels or makes the waiting job in the same transaction. The first instant of a schedule, and each
instant, has at most one job (`job_fire_at`).
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.accounts import account_store
from models.database.connection import dialect
from models.database.ids import is_uuid, new_id
from models.database.paging import Listing, order_sql
from models.database.sql import any_of, execute, fetch
from models.database.transactions import transaction
from models.jobs import job_store, lifecycle, records
from models.jobs.job_store import JobRow, NewJob
from models.rules import recurrence
from models.schedules import firings, planning
from models.schedules.firings import FiringRow
from models.schedules.planning import ROWS_AT_MOST, Planned
from models.webhooks import notifications

ORDERS = {
    "inserted_at": ("inserted_at", False),
    "disabled_at": ("disabled_at", True),
    "name": ("name", True),
}
LISTING = Listing(ORDERS, "id", frozenset({"name"}))
OF_ONE_JOB = {  # fields of NewJob that are each job's own, or columns of the schedule
    *("account_id", "args", "body", "content_type", "scheduled_at", "name", "description", "idempotency_key"),
    *("retry_until", "kind", "schedule_id", "fire_at", "start_by", "parent_id", "uuid", "after_uuid", "held_until"),
}
PUTS_TRIED = 100
DISABLED_BY_OWNER = "its schedule was disabled"
CHANGED = "its schedule was changed"
DELETED = "its schedule was deleted"


class NewSchedule(NamedTuple):
    """A schedule that has been checked. `order`: what its jobs are made of; `frequency` and the policies as in
    models/schedules/schedule_tables.py."""

    order: NewJob
    frequency: str
    first_at: int
    key: str | None = None
    jitter_us: int = 0
    overlap: str = firings.SKIP
    misfire: str = planning.MISFIRE_ONCE
    catch_up_us: int = 3_600_000_000
    disable_after: int | None = None


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


SHOWN = ", ".join(ScheduleRow._fields)
DEFINITION = (
    *("name", "description", "args", "body", "content_type", "template", "frequency", "offset_us"),
    *("overlap", "misfire", "catch_up_us", "disable_after"),
)
INSERTED = ("id", "account_id", "key", *DEFINITION, "next_at", "inserted_at", "enabled_at")


class TooMany(Exception):
    """The account has as many enabled schedules as it may have."""


class Overtaken(Exception):
    """The schedule is no longer what the change was made from."""


def create(new: NewSchedule, now: int, at_most: int) -> tuple[ScheduleRow | None, JobRow, bool]:
    """Store a schedule and its first job; both and True. Or None, the job that holds the order's idempotency key
    already, and False. Raises TooMany."""
    schedule_id = new_id()
    with transaction():
        _check_room(new.order.account_id, at_most)
        job, made = job_store.create(_first_job(new, schedule_id), now)
        if not made:
            return None, job, False
        _insert(new, schedule_id, now)
        return find(new.order.account_id, schedule_id), job, True


def put(new: NewSchedule, now: int, at_most: int) -> tuple[ScheduleRow, bool]:
    """Make the account's schedule of this key be so: the row, and whether it was made. Of two that make it at once the
    unique index `schedule_key` lets one in; the other changes it, or makes it anew should it be deleted meanwhile."""
    account_id, key = new.order.account_id, new.key or ""
    for _ in range(PUTS_TRIED):
        with transaction():
            schedule_id = replace(account_id, key, new, now)
            if schedule_id:
                return _found(schedule_id), False
            _check_room(account_id, at_most)
            schedule_id = new_id()
            if _insert(new, schedule_id, now):
                job_store.create(_first_job(new, schedule_id), now)
                return _found(schedule_id), True
    raise RuntimeError(f"schedule not stored: its key was taken and freed {PUTS_TRIED} times in a row")


def replace(account_id: int, key: str, new: NewSchedule, now: int, made_from: ScheduleRow | None = None) -> str | None:
    """Give a schedule another definition; its id, or None when there is no such schedule. It keeps its state. Its
    instants change only with its frequency, and its waiting job is made anew with whatever changed.

    Raises Overtaken when the definition is no longer that of `made_from`."""
    with transaction():
        before = _locked(account_id, key, now)
        if before is None:
            return None
        if made_from and _sent(made_from) != _sent(before):
            raise Overtaken
        values = _definition(new, before.id)
        if values == _stored(before.id):
            return before.id
        assignments = ", ".join(f"{name} = %s" for name in DEFINITION)
        execute(f"UPDATE schedule SET {assignments} WHERE id = %s", (*values, before.id))
        if new.frequency != before.frequency:
            _pass_over(before, now)  # nothing passed but while it was disabled
            execute("UPDATE schedule SET next_at = %s WHERE id = %s", (max(new.first_at, now), before.id))
        coming = "fire_at > %s AND attempted_at IS NULL"
        if _cancel(before.id, CHANGED, now, coming, (now,)) or new.frequency != before.frequency:
            _make_next(before.id, now)
    return before.id


def find(account_id: int, key: str) -> ScheduleRow | None:
    """The account's schedule of this UUID or client's key."""
    schedule_id = _id_of(account_id, key)
    return _row(schedule_id) if schedule_id else None


def listed(account_id: int, order: tuple[str, str], limit: int, offset: int) -> list[ScheduleRow]:
    """A page of the account's schedules. `order`: a name in ORDERS and "asc" or "desc"; nulls come last, ties by id."""
    by = order_sql(LISTING, order)
    rows = fetch(
        f"SELECT {SHOWN} FROM schedule WHERE account_id = %s ORDER BY {by} LIMIT %s OFFSET %s",
        (account_id, limit, offset),
    )
    return [_schedule(row) for row in rows]


def disable(account_id: int, key: str, now: int, reason: str = DISABLED_BY_OWNER) -> ScheduleRow | None:
    """Let a schedule make no more jobs: the waiting ones are cancelled, one under way goes on, the answer before is
    forgotten. One that is disabled already stays as it is."""
    with transaction():
        one = _locked(account_id, key, now)
        if one is None:
            return None
        sql = "UPDATE schedule SET disabled_at = %s, previous = NULL WHERE id = %s AND disabled_at IS NULL"
        if execute(sql, (now, one.id)):
            cancelled = _cancel(one.id, reason, now)
            firings.note_cancelled(_due(cancelled, now), firings.DISABLED, now)
        return _row(one.id)


def enable(account_id: int, key: str, now: int, at_most: int) -> ScheduleRow | None:
    """Let a disabled schedule make jobs again, from its next instant on; those that passed meanwhile become rows.
    Raises TooMany."""
    with transaction():
        one = _locked(account_id, key, now)
        if one is None:
            return None
        sql = (
            "UPDATE schedule SET disabled_at = NULL, enabled_at = %s, previous = NULL, failures = 0 "
            "WHERE id = %s AND disabled_at IS NOT NULL"
        )
        if execute(sql, (now, one.id)):
            _check_room(account_id, at_most + 1)
            _pass_over(one, now)
            _make_next(one.id, now)
        return _row(one.id)


def delete(account_id: int, key: str, now: int) -> bool:
    """Forget a schedule and cancel its waiting jobs; False when there is none. Its rows go when they are old."""
    with transaction():
        one = _locked(account_id, key, now)
        if one is None:
            return False
        _cancel(one.id, DELETED, now)
        return bool(execute("DELETE FROM schedule WHERE id = %s", (one.id,)))


def fire_now(account_id: int, key: str, now: int) -> JobRow | None:
    """Make a job of the schedule at once, besides those of its instants; a disabled one does so too."""
    with transaction():
        one = _locked(account_id, key, now)
        if one is None:
            return None
        made: JobRow | None = None
        fire_at = now
        while made is None:  # an instant of its own, should one be due in this very microsecond
            new = planning.job_at(one, fire_at)._replace(scheduled_at=now)
            made = job_store.create_many([new], now)[0]
            fire_at += 1
        return made


def firings_of(
    account_id: int, key: str, status: str | None, order: tuple[str, str], limit: int, offset: int
) -> list[FiringRow] | None:
    """A page of what came of the schedule's instants; None when there is no such schedule."""
    schedule_id = _id_of(account_id, key)
    return firings.list_firings(schedule_id, status, order, limit, offset) if schedule_id else None


def template_of(order: NewJob) -> str:
    """What every job of a schedule takes from its order, as JSON."""
    fields = {name: value for name, value in order._asdict().items() if name not in OF_ONE_JOB}
    fields["max_age_us"] = None if order.retry_until is None else order.retry_until - order.scheduled_at
    return json.dumps(fields)


def offset_us(schedule_id: str, jitter_us: int) -> int:
    """The schedule's own part of its jitter: the same for ever, spread evenly over schedules."""
    return int.from_bytes(hashlib.sha256(schedule_id.encode()).digest()[:8]) % (jitter_us + 1)


def _sent(one: ScheduleRow | Planned) -> tuple[Any, ...]:
    """What the client sent of it: `args` has all its fields but the body."""
    return (one.args, one.body and bytes(one.body), one.content_type)


def _first_job(new: NewSchedule, schedule_id: str) -> NewJob:
    values = (schedule_id, new.order.account_id, *_definition(new, schedule_id)[:-1], new.first_at)
    one = planning.planned_schedule(values)
    return planning.job_at(one, new.first_at)._replace(idempotency_key=new.order.idempotency_key)


def _definition(new: NewSchedule, schedule_id: str) -> tuple[Any, ...]:
    """The values of DEFINITION."""
    order = new.order
    shown = (order.name, order.description, order.args, order.body, order.content_type)
    made = (template_of(order), new.frequency, offset_us(schedule_id, new.jitter_us))
    return (*shown, *made, new.overlap, new.misfire, new.catch_up_us, new.disable_after)


def _stored(schedule_id: str) -> tuple[Any, ...]:
    row = fetch(f"SELECT {', '.join(DEFINITION)} FROM schedule WHERE id = %s", (schedule_id,))[0]
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _insert(new: NewSchedule, schedule_id: str, now: int) -> bool:
    marks = ", ".join(["%s"] * len(INSERTED))
    values = (schedule_id, new.order.account_id, new.key, *_definition(new, schedule_id), new.first_at, now, now)
    sql = f"INSERT INTO schedule ({', '.join(INSERTED)}, failures, state) VALUES ({marks}, 0, '{{}}')"
    return bool(execute(f"{sql} ON CONFLICT DO NOTHING", values))


def _locked(account_id: int, key: str, now: int) -> Planned | None:
    """The schedule with its row locked until the transaction ends; if it is enabled, what was due is planned."""
    schedule_id = _id_of(account_id, key)
    if schedule_id is None:
        return None
    lock = " FOR UPDATE" if dialect() == "postgresql" else ""
    columns = f"{planning.COLUMNS}, disabled_at, {planning.FIRST_WAITS}"
    rows = fetch(f"SELECT {columns} FROM schedule WHERE id = %s{lock}", (now, schedule_id))
    if not rows:
        return None
    *row, disabled_at, first_waits = rows[0]
    one = planning.planned_schedule(row)
    if disabled_at is None and one.next_at is not None and one.next_at <= now:
        planning.plan_due([(one, bool(first_waits))], now)
        rows = fetch(f"SELECT {planning.COLUMNS} FROM schedule WHERE id = %s", (schedule_id,))
        one = planning.planned_schedule(rows[0])
    return one


def _pass_over(one: Planned, now: int) -> None:
    """Rows for the instants that passed while it was disabled, and the first one to come."""
    frequency = recurrence.frequency_of(one.frequency)
    instants, next_at = recurrence.between(frequency, one.next_at, now, ROWS_AT_MOST)
    firings.add(planning.rows_of(one.id, instants, firings.DISABLED, now))
    planning.move_on([(one.id, one.next_at, next_at)])


def _make_next(schedule_id: str, now: int) -> None:
    """Make the job of the schedule's next instant, unless it is disabled, has none, or its owner cancelled that one."""
    sql = (
        f"SELECT {planning.COLUMNS} FROM schedule WHERE id = %s AND next_at IS NOT NULL AND disabled_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM firing WHERE schedule_id = schedule.id AND fire_at = schedule.next_at)"
    )
    for row in fetch(sql, (schedule_id,)):
        one = planning.planned_schedule(row)
        job_store.create_many([planning.job_at(one, one.next_at)], now)


def _cancel(schedule_id: str, reason: str, now: int, which: str = "true", params: Sequence[Any] = ()) -> list[int]:
    """Cancel the schedule's waiting jobs, note it in their logs and tell of it; returns their ids."""
    sql = f"SELECT id FROM job WHERE schedule_id = %s AND {lifecycle.IS_WAITING} AND {firings.LIVE} AND {which}"
    ids = lifecycle.cancel_waiting([row[0] for row in fetch(sql, (schedule_id, *params))], now)
    if ids:
        account_id = fetch("SELECT account_id FROM schedule WHERE id = %s", (schedule_id,))[0][0]
        told = {"reason": reason}
        event = "worker.job.cancelled"
        records.add_log_entries([records.log_row(account_id, id, schedule_id, event, told, now) for id in ids])
        notifications.notify_cancelled(ids, now)
    return ids


def _due(ids: Sequence[int], now: int) -> list[int]:
    """Which of the jobs stand for an instant that has come."""
    these, given = any_of("id", ids)
    return [row[0] for row in fetch(f"SELECT id FROM job WHERE {these} AND fire_at <= %s", (given, now))]


def _check_room(account_id: int, at_most: int) -> None:
    """Raise TooMany when so many are enabled. Whoever asks at the same moment waits for this transaction's end."""
    account_store.lock(account_id)
    sql = "SELECT count(*) FROM schedule WHERE account_id = %s AND disabled_at IS NULL"
    if fetch(sql, (account_id,))[0][0] >= at_most:
        raise TooMany


def _id_of(account_id: int, key: str) -> str | None:
    column = "id" if is_uuid(key) else "key"
    rows = fetch(f"SELECT id FROM schedule WHERE {column} = %s AND account_id = %s", (key, account_id))
    return str(rows[0][0]) if rows else None


def _row(schedule_id: str) -> ScheduleRow | None:
    rows = fetch(f"SELECT {SHOWN} FROM schedule WHERE id = %s", (schedule_id,))
    return _schedule(rows[0]) if rows else None


def _found(schedule_id: str) -> ScheduleRow:
    row = _row(schedule_id)
    if row is None:
        raise AssertionError("a schedule is there in the transaction that stores it")
    return row


def _schedule(row: Sequence[Any]) -> ScheduleRow:
    return ScheduleRow(str(row[0]), *row[1:])
