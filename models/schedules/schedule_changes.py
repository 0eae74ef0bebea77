"""Makes and changes schedules for clients: create, put, replace, disable, enable, delete, fire now.

Every query names the account; a schedule of another account is not found. A change locks the schedule's row first
(PostgreSQL; on SQLite writers take turns) and plans what is due, so that neither the planner nor a claim can come in
between. It cancels or makes the waiting job in the same transaction. The first instant of a schedule, and each
instant, has at most one job (`job_fire_at`).
"""

from contextlib import suppress
from typing import Any

from models.accounts import account_store
from models.database.ids import new_id
from models.database.sql import fetch, for_update
from models.database.transactions import transaction
from models.flows import orders
from models.jobs import job_store
from models.jobs.job_store import JobRow, NewJob
from models.rules import recurrence
from models.schedules import definitions, firing_rows, planning, schedule_store
from models.schedules import disable as disabling
from models.schedules.calendars import calendar_store
from models.schedules.cancel import cancel_of_schedule
from models.schedules.firing_rows import DISABLED
from models.schedules.planning import ROWS_AT_MOST, Move, Planned
from models.schedules.schedule_store import NewSchedule, ScheduleRow, definition_of, id_of, row_of
from models.schedules.schedule_tables import Schedule

PUTS_TRIED = 100
CHANGED = "its schedule was changed"


class TooMany(Exception):
    """The account has as many enabled schedules as it may have."""


class NotComputable(Exception):
    """This process can't compute the schedule's instants: it lacks the zone, or is older than the definition."""


class NoInstant(Exception):
    """The bounds of the schedule leave no instant."""


class Overtaken(Exception):
    """The schedule is no longer what the change was made from."""


def create(new: NewSchedule, now: int, at_most: int) -> tuple[ScheduleRow | None, JobRow, bool]:
    """Store a schedule and its first job; returns both and True. When a job holds the idempotency key already, returns
    None, that job and False. Raises TooMany, NoInstant and NoCalendar."""
    schedule_id = new_id()
    with transaction():
        new = _joined(calendar_store.applied(new), now)
        first_at = new.first_at
        if first_at is None:
            raise NoInstant
        _check_room(new.job.account_id, at_most)
        job, made = job_store.create(_first_job(new, schedule_id, first_at), now)
        if not made:
            return None, job, False
        schedule_store.insert(new, schedule_id, now)
        return schedule_store.find(new.job.account_id, schedule_id), job, True


def put(new: NewSchedule, now: int, at_most: int) -> tuple[ScheduleRow, bool]:
    """Create or replace the account's schedule of this key; returns its row and whether it was created.

    When two callers create it at once, the unique index `schedule_key` lets one in. The other replaces it, or
    creates it again if it was deleted meanwhile.
    """
    account_id, key = new.job.account_id, new.key or ""
    for _ in range(PUTS_TRIED):
        with transaction():
            new = calendar_store.applied(new)
            schedule_id = replace(account_id, key, new, now, at_most)
            if schedule_id:
                return _existing(schedule_id), False
            if new.first_at is not None:
                _check_room(account_id, at_most)
            schedule_id, new = new_id(), _joined(new, now)
            if schedule_store.insert(new, schedule_id, now):
                if new.first_at is not None:
                    job_store.create(_first_job(new, schedule_id, new.first_at), now)
                return _existing(schedule_id), True
    raise RuntimeError(f"schedule not stored: its key was taken and freed {PUTS_TRIED} times in a row")


def replace(
    account_id: int, key: str, new: NewSchedule, now: int, at_most: int, made_from: ScheduleRow | None = None
) -> str | None:
    """Give a schedule another definition; returns its id, or None when there is no such schedule.

    The schedule keeps its state. Its instants change only with its frequency. Its waiting job is made again, unless the
    definition means the same: then only its spelling is kept. Raises Overtaken when the definition is no longer that of
    `made_from`, TooMany when a finished one would go on, and NoCalendar.
    """
    with transaction():
        new = calendar_store.applied(new)
        before = locked(account_id, key, now)
        if before is None:
            return None
        if made_from and _request_of(made_from) != _request_of(before):
            raise Overtaken
        new = _joined(new, now)
        values, stored = definition_of(new, before.id), schedule_store.stored_definition(before.id)
        if values == stored:
            return before.id
        Schedule.update(values).where(Schedule.id == before.id).execute()
        if definitions.is_same(values, stored):
            return before.id
        is_moved = not definitions.is_same_frequency(new, before)
        if is_moved:
            next_at = _next_of_changed(before, new, now)
            Schedule.update(next_at=next_at, runs=1).where(Schedule.id == before.id).execute()
            if before.next_at is None and next_at is not None and _existing(before.id).disabled_at is None:
                _check_room(account_id, at_most + 1)  # it is counted already
        coming = "fire_at > %s AND attempted_at IS NULL"
        if cancel_of_schedule(before.id, CHANGED, None, now, coming, (now,)) or is_moved:
            _make_next(before.id, now)
    return before.id


def disable(account_id: int, key: str, now: int, reason: str = disabling.BY_OWNER) -> ScheduleRow | None:
    """Let a schedule make no more jobs (models/schedules/disable.py). A disabled one stays as it is."""
    with transaction():
        schedule = locked(account_id, key, now)
        if schedule is None:
            return None
        disabling.disable(schedule.id, reason, now)
        return row_of(schedule.id)


def enable(account_id: int, key: str, now: int, at_most: int) -> ScheduleRow | None:
    """Let a disabled schedule make jobs again, from its next instant on. The instants that passed meanwhile get rows.
    Raises TooMany and NotComputable."""
    with transaction():
        schedule = locked(account_id, key, now)
        if schedule is None:
            return None
        enabled = Schedule.update(disabled_at=None, enabled_at=now, previous=None, failures=0)
        if enabled.where(Schedule.id == schedule.id, Schedule.disabled_at.is_null(False)).execute():
            _check_room(account_id, at_most + 1)
            _pass_over(schedule, now)
            _make_next(schedule.id, now)
        return row_of(schedule.id)


def delete(account_id: int, key: str, now: int) -> bool:
    """Delete a schedule and cancel its waiting jobs; False when there is none. The pruner deletes its rows."""
    with transaction():
        schedule = locked(account_id, key, now)
        if schedule is None:
            return False
        cancel_of_schedule(schedule.id, disabling.DELETED, None, now)
        return bool(Schedule.delete().where(Schedule.id == schedule.id).execute())


def fire_now(account_id: int, key: str, now: int) -> JobRow | None:
    """Make a job of the schedule, also of a disabled schedule, that is due now and stands for no planned instant."""
    with transaction():
        schedule = locked(account_id, key, now)
        if schedule is None:
            return None
        made: JobRow | None = None
        fire_at = now
        while made is None:  # an instant of its own, in case another is due in this very microsecond
            new = planning.job_at(schedule, fire_at)._replace(scheduled_at=now, start_by=None)
            made = job_store.create_many([new], now)[0]
            fire_at += 1
        return made


def _request_of(schedule: ScheduleRow | Planned) -> tuple[Any, ...]:
    """The request as the client sent it: `args` has all its fields but the body."""
    return (schedule.args, schedule.body and bytes(schedule.body), schedule.content_type)


def _first_job(new: NewSchedule, schedule_id: str, first_at: int) -> NewJob:
    values = definition_of(new, schedule_id) | {"id": schedule_id, "next_at": first_at, "runs": 1}
    values["account_id"] = new.job.account_id
    schedule = Planned(**{name: values[name] for name in Planned._fields})
    return planning.job_at(schedule, first_at)._replace(idempotency_key=new.job.idempotency_key)


def locked(account_id: int, key: str, now: int) -> Planned | None:
    """The schedule, with its row locked until the transaction ends. If it is enabled, its due instants are planned."""
    schedule_id = id_of(account_id, key)
    if schedule_id is None:
        return None
    columns = f"{planning.COLUMNS}, disabled_at"
    rows = fetch(f"SELECT {columns} FROM schedule WHERE id = %s{for_update()}", (schedule_id,))
    if not rows:
        return None
    *row, disabled_at = rows[0]
    schedule = planning.planned_schedule(row)
    if disabled_at is None and schedule.next_at is not None and schedule.next_at <= now:
        planning.plan_due([schedule], now)
        rows = fetch(f"SELECT {planning.COLUMNS} FROM schedule WHERE id = %s", (schedule_id,))
        schedule = planning.planned_schedule(rows[0])
    return schedule


def _next_of_changed(before: Planned, new: NewSchedule, now: int) -> int | None:
    """The first instant after a change. An interval keeps its beat when only its bounds change."""
    next_at: int | None = None
    with suppress(NotComputable):  # the instants before the change then get no rows
        next_at = _pass_over(before, now)  # nothing passed but while it was disabled
    if next_at is not None and definitions.is_same_interval(new, before):
        return recurrence.first_from(recurrence.frequency_of(new.frequency, new.calendar_days), next_at)
    return None if new.first_at is None else max(new.first_at, now)


def _pass_over(schedule: Planned, now: int) -> int | None:
    """Write rows for the instants that passed while the schedule was disabled, and move on to the next instant, which
    is returned. Raises NotComputable."""
    try:
        frequency = recurrence.frequency_of(schedule.frequency, schedule.calendar_days)
        instants, next_at = recurrence.between(frequency, schedule.next_at, now, ROWS_AT_MOST)
    except (KeyError, ValueError) as error:
        raise NotComputable from error
    firing_rows.add(planning.rows_of(schedule.id, instants, DISABLED, now))
    planning.move_on([Move(schedule.id, schedule.next_at, next_at)])
    return next_at


def _make_next(schedule_id: str, now: int) -> None:
    """Make the job of the schedule's next instant, unless it is disabled, has none, or its owner cancelled that job."""
    sql = f"SELECT {planning.COLUMNS} FROM schedule WHERE id = %s AND {planning.LACKS_A_JOB}"
    for row in fetch(sql, (schedule_id,)):
        schedule = planning.planned_schedule(row)
        job_store.create_many([planning.job_at(schedule, schedule.next_at)], now)


def _joined(new: NewSchedule, now: int) -> NewSchedule:
    """The schedule with the ids of the flow and the lane that its jobs join."""
    return new._replace(job=orders.joined([new.job], now)[0])


def _check_room(account_id: int, at_most: int) -> None:
    """Raise TooMany when so many are enabled and not finished. The account's lock makes others who check wait for this
    commit."""
    account_store.lock(account_id)
    if schedule_store.enabled_total(account_id) >= at_most:
        raise TooMany


def _existing(schedule_id: str) -> ScheduleRow:
    """The row of a schedule that this transaction stored or locked."""
    row = row_of(schedule_id)
    if row is None:
        raise AssertionError("a schedule is there in the transaction that stores it")
    return row
