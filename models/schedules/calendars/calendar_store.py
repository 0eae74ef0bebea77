"""Keeps named calendars and reads their days for the schedules that name them.

A schedule has a copy of the days, so that planning reads one row. Whoever stores a schedule locks the calendars that it
names, then the schedule; `moving.py` takes the locks in the same order. So no schedule is stored with the days of
before a change.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.base import read_rows
from models.database.sql import fetch, for_update
from models.rules import recurrence
from models.rules.bounds import Days, calendars_of, days_of, merged, text_of
from models.schedules.ready_jobs import is_in
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Calendar

MAX_DAYS = 500  # days and ranges of a calendar
MAX_CALENDARS = 100  # of an account


class CalendarRow(NamedTuple):
    """A calendar; see models/schedules/schedule_tables.py for each column."""

    name: str
    days: str
    created_at: int
    changed_at: int
    moved_to: str | None


class NoCalendar(Exception):
    """A schedule names a calendar that the account does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


COLUMNS = [getattr(Calendar, name) for name in CalendarRow._fields]


def find(account_id: int, name: str) -> CalendarRow | None:
    """The account's calendar of this name."""
    these = (Calendar.account_id == account_id, Calendar.name == name)
    return next(iter(read_rows(CalendarRow, Calendar.select(*COLUMNS).where(*these))), None)


def listed(account_id: int) -> list[CalendarRow]:
    """The account's calendars, by name."""
    rows = Calendar.select(*COLUMNS).where(Calendar.account_id == account_id)
    return read_rows(CalendarRow, rows.order_by(Calendar.name))


def total(account_id: int) -> int:
    """How many the account has."""
    return int(Calendar.select().where(Calendar.account_id == account_id).count())


def users(account_id: int) -> dict[str, list[str]]:
    """The ids of the schedules that name a calendar, by its name."""
    sql = "SELECT id, frequency FROM schedule WHERE account_id = %s AND calendar_days IS NOT NULL"
    ids: dict[str, list[str]] = {}
    for schedule_id, frequency in fetch(sql, (account_id,)):
        for name in set(names_in(frequency)):
            ids.setdefault(name, []).append(str(schedule_id))
    return ids


def names_in(frequency: str) -> list[str]:
    """The calendars that a frequency names, as a schedule stores it."""
    return calendars_of(json.loads(frequency))


def applied(new: NewSchedule) -> NewSchedule:
    """A schedule with the days of its calendars, which stay as they are until the transaction ends; its first instant
    is the first that they leave. Raises NoCalendar."""
    names = names_in(new.frequency)
    if not names:
        return new
    calendar_days = text_of(days_in(new.job.account_id, names, for_update("SHARE")))
    frequency = recurrence.frequency_of(new.frequency, calendar_days)
    first_at = None if new.first_at is None else recurrence.first_from(frequency, new.first_at)
    return new._replace(calendar_days=calendar_days, first_at=first_at)


def days_in(account_id: int, names: Sequence[str], lock: str = "") -> tuple[Days, ...]:
    """All days of the calendars of these names. `lock`: for the end of the SELECT. Raises NoCalendar."""
    sql = f"SELECT name, days FROM calendar WHERE account_id = %s AND {is_in('name', names)} ORDER BY name{lock}"
    texts = dict(fetch(sql, (account_id, *names)))
    missing = next((name for name in names if name not in texts), None)
    if missing is not None:
        raise NoCalendar(missing)
    return merged(days for text in texts.values() for days in ranges_of(json.loads(text)))


def ranges_of(days: Sequence[Any]) -> tuple[Days, ...]:
    """The days of a calendar as it is stored."""
    return merged(map(days_of, days))
