"""Plans the next job of each schedule: when an instant has come, it makes the job of the following instant in advance.

So the next job of each schedule waits like any other and the stager makes it punctual. One transaction plans a set of
due schedules; its time depends on the due schedules alone, not on the idle ones. Two planners at once do no harm: each
passes over rows that the other has locked, `next_at` moves by compare-and-set, and the unique index `job_fire_at` makes
each job unique. Which missed instants get a job is decided by `models/schedules/misfire.py`.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.sql import any_of, execute, fetch, skipping_locked, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.rules import clock, recurrence
from models.rules.lateness import LATE_AFTER_US
from models.rules.recurrence import Instants
from models.schedules import firing_rows, misfire
from models.schedules.disable import disable_not_computable
from models.schedules.firing_rows import MISFIRED, MISSED, FiringRow
from models.schedules.misfire import Room
from models.schedules.put_off import PutOff
from models.schedules.ready_jobs import is_in

log = logging.getLogger("booper.planner")
GIVEN_UP_AFTER_US = clock.DAY
CAN_NOT_PLAN = (
    "schedule %s can't be planned by this process, which may be older than its definition or lack its time zone: "
    "it is put off, and disabled if nobody can plan it for a day"
)
ROWS_AT_MOST = 1000  # missed instants with a row of their own; those before share one


class Planned(NamedTuple):
    """The columns of a schedule that its jobs are made of; see models/schedules/schedule_tables.py for each column."""

    id: str
    account_id: int
    name: str | None
    description: str | None
    args: str
    body: bytes | None
    content_type: str | None
    template: str
    frequency: str
    offset_us: int
    overlap: str
    misfire: str
    catch_up_us: int
    next_at: int
    runs: int
    calendar_days: str | None


class Plan(NamedTuple):
    """What follows the due instant of a schedule: the instants that get a job, the rows of those that get none, and the
    next instant (None: there is none). `room`: how many earlier jobs may wait although they were missed; None: any."""

    instants: list[int]
    rows: list[FiringRow]
    next_at: int | None
    room: int | None


class Move(NamedTuple):
    """From which instant to which a schedule moves (None: there is none), and how many jobs it gets by that."""

    id: str
    old: int
    new: int | None
    jobs: int = 0


COLUMNS = ", ".join(Planned._fields)
# The job of its next instant is to be made, unless its owner cancelled that.
LACKS_A_JOB = (
    "next_at IS NOT NULL AND disabled_at IS NULL "
    "AND NOT EXISTS (SELECT 1 FROM firing WHERE schedule_id = schedule.id AND fire_at = schedule.next_at)"
)
DUE = "next_at >= %s AND next_at <= %s AND next_at IS NOT NULL AND disabled_at IS NULL"


def first_due(first: int, now: int) -> int | None:
    """The first instant, from `first` to `now`, at which a schedule is due; None: there is none."""
    rows = fetch(f"SELECT next_at FROM schedule WHERE {DUE} ORDER BY next_at LIMIT 1", (first, now))
    return rows[0][0] if rows else None


def plan(now: int, limit: int, put_off: PutOff | None = None, first: int = 0) -> int:
    """Plan the next jobs of at most `limit` schedules whose instant has come, from `first` on; returns how many those
    were. Leaves out those that are put off."""
    due, params = DUE, [first, now]
    put_off = put_off or PutOff()
    if ids := put_off.ids(now):
        are_put_off, id_set = any_of("id", ids, "uuid")
        due, params = f"{due} AND NOT ({are_put_off})", [first, now, id_set]
    if not fetch(f"SELECT 1 FROM schedule WHERE {due} LIMIT 1", params):
        return 0
    with transaction():
        sql = f"SELECT {COLUMNS} FROM schedule WHERE {due} ORDER BY next_at LIMIT %s{skipping_locked()}"
        rows = fetch(sql, (*params, limit))
        put_off.add(plan_due([planned_schedule(row) for row in rows], now), now)
    return len(rows)


def plan_locked(schedule_ids: Sequence[str], now: int) -> None:
    """Plan what is due of these schedules, whose rows the caller has locked."""
    due = f"{is_in('id', schedule_ids)} AND next_at <= %s AND disabled_at IS NULL"
    plan_due(
        [planned_schedule(row) for row in fetch(f"SELECT {COLUMNS} FROM schedule WHERE {due}", (*schedule_ids, now))],
        now,
    )


def plan_due(due: Sequence[Planned], now: int) -> list[str]:
    """Make what follows the due instants of these schedules, whose rows the caller has locked: jobs, rows, next_at.

    Returns the ids of those that can't be planned here (this process is older than their definition, or lacks their
    zone); the others are planned all the same. What nobody could plan for GIVEN_UP_AFTER_US is disabled.
    """
    failed: list[str] = []
    new: list[NewJob] = []
    rows: list[FiringRow] = []
    moves: list[Move] = []
    rooms: dict[str, Room] = {}
    for schedule in due:
        try:
            planned = plan_next(schedule, now)
            new += [job_at(schedule, at) for at in planned.instants]
        except Exception:
            log.exception(CAN_NOT_PLAN, schedule.id)
            failed.append(schedule.id)
            if now - schedule.next_at > GIVEN_UP_AFTER_US:
                disable_not_computable(schedule.id, schedule.account_id, now)
            continue
        rows += planned.rows
        moves.append(Move(schedule.id, schedule.next_at, planned.next_at, len(planned.instants)))
        if planned.room is not None:
            rooms[schedule.id] = Room(planned.room, schedule.offset_us)
    misfire.cancel_surplus(rooms, now)
    job_store.create_many(new, now)
    firing_rows.add(rows)
    move_on(moves)
    return failed


def plan_next(schedule: Planned, now: int) -> Plan:
    """What follows the due instant of a schedule, which has its job already."""
    frequency = recurrence.frequency_of(schedule.frequency, schedule.calendar_days)
    due_until = now - schedule.offset_us
    second = recurrence.next_after(frequency, schedule.next_at)
    catch_up_us = max(schedule.catch_up_us, LATE_AFTER_US)
    old, second = recurrence.between(frequency, second, due_until - catch_up_us - 1, ROWS_AT_MOST)
    missed, second = recurrence.between(frequency, second, due_until - LATE_AFTER_US - 1, ROWS_AT_MOST)
    recent, next_at = recurrence.between(frequency, second, now, ROWS_AT_MOST)
    made_up = misfire.latest(schedule.misfire, missed.latest)
    passed_over = Instants(missed.before, missed.latest[: len(missed.latest) - len(made_up)])
    rows = [
        *rows_of(schedule.id, old, MISSED, now),
        *rows_of(schedule.id, passed_over, MISFIRED, now),
        *rows_of(schedule.id, Instants(recent.before, []), MISFIRED, now),
    ]
    room = misfire.BEGIN_AT_MOST[schedule.misfire] - len(made_up) if missed.latest else None
    instants = [*made_up, *recent.latest, *([] if next_at is None else [next_at])]
    if frequency.bounds.max_runs is not None:
        instants = instants[: max(0, frequency.bounds.max_runs - schedule.runs)]
    return Plan(instants, rows, next_at if next_at in instants else None, room)


def rows_of(schedule_id: str, instants: Instants, status: str, now: int) -> list[FiringRow]:
    """The rows of instants that get no job."""
    rows = [FiringRow(schedule_id, at, status, None, None, now) for at in instants.latest]
    if instants.before:
        first, last, count = instants.before
        rows.append(FiringRow(schedule_id, first, status, None, None, now, last, count))
    return rows


def job_at(schedule: Planned, fire_at: int) -> NewJob:
    """The schedule's job for an instant."""
    stored = json.loads(schedule.template)
    max_age_us = stored.get("max_age_us")
    template: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name in NewJob._fields  # a newer version may have stored others
    }
    due_at = fire_at + schedule.offset_us
    return NewJob(
        account_id=schedule.account_id,
        args=schedule.args,
        body=schedule.body,
        content_type=schedule.content_type,
        scheduled_at=due_at,
        name=schedule.name,
        description=schedule.description,
        retry_until=None if max_age_us is None else due_at + max_age_us,
        schedule_id=schedule.id,
        fire_at=fire_at,
        start_by=due_at + misfire.window_us(schedule.misfire, schedule.catch_up_us),
        **template,
    )


def move_on(moves: Sequence[Move]) -> None:
    """Move each schedule to its new next instant if it is still at the old one, and count the jobs."""
    if moves:
        table, params = values_table("id uuid, old bigint, new bigint, jobs bigint", moves)
        execute(
            f"UPDATE schedule SET next_at = input.new, runs = schedule.runs + input.jobs FROM {table} AS input "
            "WHERE schedule.id = input.id AND schedule.next_at = input.old",
            params,
        )


def planned_schedule(row: Sequence[Any]) -> Planned:
    return Planned(str(row[0]), *row[1:])
