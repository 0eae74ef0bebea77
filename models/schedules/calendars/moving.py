"""Moves the schedules that name a changed calendar to its days, a chunk in each transaction.

The transaction of the change moves the first chunk, the ticker the others: a crash leaves none out, and nobody waits
for thousands of schedules. How far the change is stands in the calendar's row (`moved_to`). A chunk locks the calendar,
then its schedules, and what came due before it is planned by the old days. The ticker waits for no schedule that
another session holds: it stops before that one until its next turn.
"""

import json
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from models.database.sql import any_of, execute, fetch, for_update, skipping_locked, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules import recurrence
from models.rules.bounds import text_of
from models.schedules import planning
from models.schedules.calendars import calendar_store
from models.schedules.cancel import cancel
from models.schedules.planning import Planned

CHANGED = "a calendar of its schedule was changed"
TIMES = ("schedule_in", "scheduled_at")  # that a client gives for the first instant
AT_ONCE = 40  # schedules of a chunk; each takes about a millisecond
NONE_YET = "00000000-0000-0000-0000-000000000000"  # before every schedule


class Changed(NamedTuple):
    """A calendar whose schedules are being moved. `moved_to`: up to the schedule of this id they have been."""

    id: int
    account_id: int
    name: str
    moved_to: str


class Moved(NamedTuple):
    """What a change makes of a schedule. `next_at`: None when the calendar leaves no further instant."""

    id: str
    calendar_days: str
    next_at: int | None


def next_changed(after_id: int) -> int | None:
    """The id of the calendar whose turn comes after that of this one; None: all schedules have been moved."""
    rows = fetch("SELECT id FROM calendar WHERE moved_to IS NOT NULL ORDER BY id <= %s, id LIMIT 1", (after_id,))
    return rows[0][0] if rows else None


def move_first(account_id: int, name: str, now: int) -> None:
    """Move the first schedules that name the calendar, which the caller's transaction has changed."""
    _take_chunk("account_id = %s AND name = %s", (account_id, name), now, for_update())


def move_next(calendar_id: int, now: int) -> int:
    """Move the next schedules that name the calendar; returns how many."""
    with transaction():
        return _take_chunk("id = %s", (calendar_id,), now, skipping_locked())


def _take_chunk(these: str, params: tuple[object, ...], now: int, lock: str) -> int:
    sql = f"SELECT id, account_id, name, moved_to FROM calendar WHERE {these} AND moved_to IS NOT NULL{lock}"
    for row in fetch(sql, params):
        calendar = Changed(*row)
        named = _next_of(calendar)
        ids = _locked(named, lock)
        _plan_again(calendar, ids, now)
        is_last = len(named) < AT_ONCE and ids == named
        place = None if is_last else (ids or [str(calendar.moved_to)])[-1]
        execute("UPDATE calendar SET moved_to = %s WHERE id = %s", (place, calendar.id))
        return len(ids)
    return 0


def _next_of(calendar: Changed) -> list[str]:
    """The next schedules that may name the calendar, by id."""
    sql = (
        "SELECT id FROM schedule WHERE account_id = %s AND calendar_days IS NOT NULL AND frequency LIKE %s AND id > %s "
        "ORDER BY id LIMIT %s"
    )
    params = (calendar.account_id, f'%"{calendar.name}"%', str(calendar.moved_to), AT_ONCE)
    return [str(row[0]) for row in fetch(sql, params)]


def _locked(ids: list[str], lock: str) -> list[str]:
    """Lock the schedules up to the first that another session holds; their ids."""
    these, id_set = any_of("id", ids, "uuid")
    free = {str(row[0]) for row in fetch(f"SELECT id FROM schedule WHERE {these} ORDER BY id{lock}", (id_set,))}
    return list(takewhile(free.__contains__, ids))


def _plan_again(calendar: Changed, ids: Sequence[str], now: int) -> None:
    """Give these schedules the days of the calendar, and the next instant that follows from them."""
    if not ids:
        return
    planning.plan_locked(ids, now)
    these, id_set = any_of("id", ids, "uuid")
    rows = fetch(f"SELECT {planning.COLUMNS} FROM schedule WHERE {these}", (id_set,))
    before = [schedule for schedule in map(planning.planned_schedule, rows) if _names(schedule, calendar.name)]
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
    if not schedules:
        return
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
