"""Makes, changes and deletes named calendars, and plans the schedules again that name one.

A change locks the calendar, then its schedules, and moves all of them in the same transaction: each has the old days or
each has the new ones, also when the process dies. What came due before the change is planned by the old days.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.accounts import account_store
from models.database.sql import any_of, execute, fetch, for_update, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules import recurrence
from models.rules.bounds import text_of
from models.schedules import planning
from models.schedules.calendars import calendar_store
from models.schedules.calendars.calendar_store import MAX_CALENDARS, CalendarRow
from models.schedules.cancel import cancel
from models.schedules.planning import Planned
from models.schedules.schedule_tables import Calendar

CHANGED = "a calendar of its schedule was changed"
TIMES = ("schedule_in", "scheduled_at")  # that a client gives for the first instant
PUTS_TRIED = 100


class TooMany(Exception):
    """The account has as many calendars as it may have."""


class InUse(Exception):
    """So many schedules name the calendar."""

    def __init__(self, schedules: int) -> None:
        super().__init__(schedules)
        self.schedules = schedules


class Moved(NamedTuple):
    """What a change makes of a schedule. `next_at`: None when the calendar leaves no further instant."""

    id: str
    calendar_days: str
    next_at: int | None


def put(account_id: int, name: str, days: Sequence[Any], now: int) -> tuple[CalendarRow, bool]:
    """Store the calendar of this name with exactly these days; returns it and whether it is new. Raises TooMany."""
    text = json.dumps(days)
    these = ((Calendar.account_id == account_id), (Calendar.name == name))
    for _ in range(PUTS_TRIED):
        with transaction():
            if Calendar.update(days=text, changed_at=now).where(*these).execute():
                _plan_again(account_id, name, now)
                return _existing(account_id, name), False
            if _insert(account_id, name, text, now):
                return _existing(account_id, name), True
    raise RuntimeError(f"calendar not stored: its name was taken and freed {PUTS_TRIED} times in a row")


def delete(account_id: int, name: str) -> bool:
    """Delete the calendar; False when there is none. Raises InUse."""
    with transaction():
        sql = f"SELECT id FROM calendar WHERE account_id = %s AND name = %s{for_update()}"
        rows = fetch(sql, (account_id, name))
        if not rows:
            return False
        if ids := calendar_store.users(account_id).get(name):
            raise InUse(len(ids))
        return bool(execute("DELETE FROM calendar WHERE id = %s", rows[0]))


def _insert(account_id: int, name: str, text: str, now: int) -> bool:
    account_store.lock(account_id)
    if Calendar.select().where(Calendar.account_id == account_id).count() >= MAX_CALENDARS:
        raise TooMany
    row = {"account_id": account_id, "name": name, "days": text, "created_at": now, "changed_at": now}
    return bool(Calendar.insert(row).on_conflict_ignore().as_rowcount().execute())


def _plan_again(account_id: int, name: str, now: int) -> None:
    """Give the schedules that name the calendar its days, and the next instant that follows from them."""
    ids = calendar_store.users(account_id).get(name)
    if not ids:
        return
    these, id_set = any_of("id", ids, "uuid")
    fetch(f"SELECT id FROM schedule WHERE {these} ORDER BY id{for_update()}", (id_set,))
    planning.plan_locked(ids, now)
    rows = fetch(f"SELECT {planning.COLUMNS} FROM schedule WHERE {these}", (id_set,))
    before = [schedule for schedule in map(planning.planned_schedule, rows) if _names(schedule, name)]
    days: dict[tuple[str, ...], str] = {}  # many schedules name the same calendars
    after = [_moved(schedule, days, now) for schedule in before]
    _store(after)
    _replace_jobs([new for old, new in zip(before, after, strict=True) if new.next_at != old.next_at], now)


def _names(schedule: Planned, name: str) -> bool:
    """Whether it still does: another change may have come before the lock."""
    return name in calendar_store.names_in(schedule.frequency)


def _moved(schedule: Planned, days: dict[tuple[str, ...], str], now: int) -> Moved:
    names = tuple(calendar_store.names_in(schedule.frequency))
    if names not in days:
        days[names] = text_of(calendar_store.days_in(schedule.account_id, names))
    calendar_days = days[names]
    next_at: int | None = schedule.next_at
    if next_at is not None and next_at > now:  # a finished one stays so; what passed while it was disabled gets rows
        try:
            frequency = recurrence.frequency_of(schedule.frequency, calendar_days)
            next_at = recurrence.first_from(frequency, _earliest(schedule, frequency, now))
        except (KeyError, ValueError):  # the zone is gone: the planner disables such a schedule
            pass
    return Moved(schedule.id, calendar_days, next_at)


def _earliest(schedule: Planned, frequency: recurrence.Frequency, now: int) -> int:
    """From when on the schedule may have its next instant. An interval keeps its beat."""
    if schedule.runs == 1 and any(name in json.loads(schedule.args) for name in TIMES):
        return schedule.next_at  # its owner said when it begins
    earliest = max(now + 1, frequency.bounds.starts_at or 0)
    if frequency.every_us is None:
        return earliest
    return schedule.next_at - (schedule.next_at - earliest) // frequency.every_us * frequency.every_us


def _store(schedules: Sequence[Moved]) -> None:
    table, params = values_table("id uuid, calendar_days text, next_at bigint", schedules)
    execute(
        f"UPDATE schedule SET calendar_days = input.calendar_days, next_at = input.next_at FROM {table} AS input "
        "WHERE schedule.id = input.id",
        params,
    )


def _replace_jobs(moved: Sequence[Moved], now: int) -> None:
    """Cancel the waiting jobs of these schedules' former next instants, and make those of the new ones."""
    if not moved:
        return
    of_these, id_set = any_of("schedule_id", [schedule.id for schedule in moved], "uuid")
    coming = f"{of_these} AND {WAITING_SQL} AND {LIVE_SQL} AND fire_at > %s AND attempted_at IS NULL"
    cancel([row[0] for row in fetch(f"SELECT id FROM job WHERE {coming}", (id_set, now))], CHANGED, None, now)
    these, id_set = any_of("id", [schedule.id for schedule in moved], "uuid")
    sql = f"SELECT {planning.COLUMNS} FROM schedule WHERE {these} AND {planning.LACKS_A_JOB} ORDER BY id"
    schedules = [planning.planned_schedule(row) for row in fetch(sql, (id_set,))]
    job_store.create_many([planning.job_at(schedule, schedule.next_at) for schedule in schedules], now)


def _existing(account_id: int, name: str) -> CalendarRow:
    """The row of a calendar that this transaction stored."""
    row = calendar_store.find(account_id, name)
    if row is None:
        raise AssertionError("a calendar is there in the transaction that stores it")
    return row
