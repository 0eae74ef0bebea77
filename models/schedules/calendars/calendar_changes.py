"""Makes, changes and deletes named calendars. `moving.py` moves the schedules that name a changed one."""

import json
from collections.abc import Sequence
from typing import Any

from models.accounts import account_store
from models.database.sql import execute, fetch, for_update
from models.database.transactions import transaction
from models.schedules.calendars import calendar_store, moving
from models.schedules.calendars.calendar_store import MAX_CALENDARS, CalendarRow
from models.schedules.schedule_tables import Calendar

PUTS_TRIED = 100


class TooMany(Exception):
    """The account has as many calendars as it may have."""


class InUse(Exception):
    """So many schedules name the calendar."""

    def __init__(self, schedules: int) -> None:
        super().__init__(schedules)
        self.schedules = schedules


def put(account_id: int, name: str, days: Sequence[Any], now: int) -> tuple[CalendarRow, bool]:
    """Store the calendar of this name with exactly these days; returns it and whether it is new. Raises TooMany."""
    text = json.dumps(days)
    these = ((Calendar.account_id == account_id), (Calendar.name == name))
    for _ in range(PUTS_TRIED):
        with transaction():
            changed = {"days": text, "changed_at": now, "moved_to": moving.NONE_YET}
            if Calendar.update(changed).where(*these).execute():
                moving.move_first(account_id, name, now)
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
    if calendar_store.total(account_id) >= MAX_CALENDARS:
        raise TooMany
    row = {"account_id": account_id, "name": name, "days": text, "created_at": now, "changed_at": now}
    return bool(Calendar.insert(row).on_conflict_ignore().as_rowcount().execute())


def _existing(account_id: int, name: str) -> CalendarRow:
    """The row of a calendar that this transaction stored."""
    row = calendar_store.find(account_id, name)
    if row is None:
        raise AssertionError("a calendar is there in the transaction that stores it")
    return row
