"""Owns which jobs a schedule gets next: when its instant has come, the job of the following one is made in advance.

So the next job of each schedule waits like any other and the stager makes it punctual. One transaction plans a set of
due schedules, in time for those that are due, however many are idle. Two planners at once do no harm: rows that one of
them has locked are passed over, `next_at` moves by compare-and-set, and the unique index `job_fire_at` has the last
word. `decide` is pure.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.sql import execute, fetch, skipping_locked, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.rules import recurrence
from models.rules.recurrence import Instants
from models.schedules import firings
from models.schedules.firings import LATE_AFTER_US, MISFIRED, MISSED, FiringRow

log = logging.getLogger("booper.planner")
MADE_UP_AT_MOST = 100  # jobs for missed instants, with misfire "all"
ROWS_AT_MOST = 1000  # missed instants with a row of their own; those before share one
MISFIRE_SKIP, MISFIRE_ONCE, MISFIRE_ALL = firings.MISFIRES


class Planned(NamedTuple):
    """A schedule, as far as its jobs are made of it; see models/schedules/schedule_tables.py for each column."""

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


class Decision(NamedTuple):
    """What is to be done for instants that passed: those that get a job, the rows of the others."""

    made_up: list[int]
    rows: list[FiringRow]


COLUMNS = ", ".join(Planned._fields)
FIRST_WAITS = (
    "EXISTS (SELECT 1 FROM job WHERE job.schedule_id = schedule.id AND job.fire_at = schedule.next_at "
    f"AND job.{firings.LIVE} AND job.state <> 'executing' AND job.start_by >= %s)"
)


def plan(now: int, limit: int) -> int:
    """Plan the next jobs of at most `limit` schedules whose instant has come; returns how many those were."""
    due = "next_at <= %s AND next_at IS NOT NULL AND disabled_at IS NULL"
    if not fetch(f"SELECT 1 FROM schedule WHERE {due} LIMIT 1", (now,)):
        return 0
    with transaction():
        rows = fetch(
            f"SELECT {COLUMNS}, {FIRST_WAITS} FROM schedule WHERE {due} ORDER BY next_at LIMIT %s{skipping_locked()}",
            (now, now, limit),
        )
        plan_due([(planned_schedule(row[:-1]), bool(row[-1])) for row in rows], now)
    return len(rows)


def plan_due(due: Sequence[tuple[Planned, bool]], now: int) -> None:
    """Make what follows the due instants of these schedules, whose rows the caller has locked: jobs, rows, next_at.

    Each with whether the job of its due instant still waits. One that can't be planned any more (its zone is gone) is
    disabled, and keeps no other from being planned."""
    new: list[NewJob] = []
    rows: list[FiringRow] = []
    moves: list[tuple[str, int, int | None]] = []
    for one, first_waits in due:
        try:
            made, told, next_at = plan_next(one, first_waits, now)
        except Exception:
            log.exception("schedule %s can't be planned: disabled", one.id)
            execute("UPDATE schedule SET disabled_at = %s WHERE id = %s AND disabled_at IS NULL", (now, one.id))
            continue
        new += made
        rows += told
        moves.append((one.id, one.next_at, next_at))
    job_store.create_many(new, now)
    firings.add(rows)
    move_on(moves)


def plan_next(one: Planned, first_waits: bool, now: int) -> tuple[list[NewJob], list[FiringRow], int | None]:
    """What follows the due instant of a schedule: its jobs, the rows of instants without one, the next instant."""
    frequency = recurrence.frequency_of(one.frequency)
    second = recurrence.next_after(frequency, one.next_at)
    old, young = recurrence.between(frequency, second, now - one.catch_up_us - 1, ROWS_AT_MOST)
    recent, next_at = recurrence.between(frequency, young, now, ROWS_AT_MOST)
    decision = decide(one, old, recent, first_waits, now)
    new = [job_at(one, at) for at in [*decision.made_up, *([] if next_at is None else [next_at])]]
    return new, decision.rows, next_at


def decide(one: Planned, old: Instants, recent: Instants, first_waits: bool, now: int) -> Decision:
    """What becomes of instants that passed without a job: those too old to be made up for, and the recent ones.
    `first_waits`: a job before them is still to begin, and makes up for them under `once`."""
    missed = [at for at in recent.latest if at >= now - window_us(one)]
    most = {MISFIRE_SKIP: len(missed), MISFIRE_ONCE: 0 if first_waits else 1, MISFIRE_ALL: MADE_UP_AT_MOST}
    made_up = missed[: most[one.misfire]]
    skipped = Instants(recent.before, [at for at in recent.latest if at not in set(made_up)])
    return Decision(made_up, rows_of(one.id, old, MISSED, now) + rows_of(one.id, skipped, MISFIRED, now))


def rows_of(schedule_id: str, instants: Instants, status: str, now: int) -> list[FiringRow]:
    """The rows of instants that get no job."""
    rows = [FiringRow(schedule_id, at, status, None, None, now) for at in instants.latest]
    if instants.before:
        first, last, count = instants.before
        rows.append(FiringRow(schedule_id, first, status, None, None, now, last, count))
    return rows


def window_us(one: Planned) -> int:
    """How long after its instant a job may still begin."""
    return LATE_AFTER_US if one.misfire == MISFIRE_SKIP else max(one.catch_up_us, LATE_AFTER_US)


def job_at(one: Planned, fire_at: int) -> NewJob:
    """The schedule's job for an instant."""
    told = json.loads(one.template)
    template: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
    }
    max_age_us = template.pop("max_age_us")
    due_at = fire_at + one.offset_us
    return NewJob(
        account_id=one.account_id,
        args=one.args,
        body=one.body,
        content_type=one.content_type,
        scheduled_at=due_at,
        name=one.name,
        description=one.description,
        retry_until=None if max_age_us is None else due_at + max_age_us,
        schedule_id=one.id,
        fire_at=fire_at,
        start_by=due_at + window_us(one),
        **template,
    )


def move_on(moves: Sequence[tuple[str, int, int | None]]) -> None:
    """Set each schedule's next instant, if it is still the one given: rows of (id, old, new)."""
    if moves:
        given, params = values_table("id uuid, old bigint, new bigint", moves)
        execute(
            f"UPDATE schedule SET next_at = given.new FROM {given} AS given "
            "WHERE schedule.id = given.id AND schedule.next_at = given.old",
            params,
        )


def planned_schedule(row: Sequence[Any]) -> Planned:
    return Planned(str(row[0]), *row[1:])
