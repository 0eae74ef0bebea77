"""Plans the next job of each schedule: when an instant has come, it makes the job of the following instant in advance.

So the next job of each schedule waits like any other and the stager makes it punctual. One transaction plans a set of
due schedules; its time depends on the due schedules alone, not on the idle ones. Two planners at once do no harm: each
passes over rows that the other has locked, `next_at` moves by compare-and-set, and the unique index `job_fire_at` makes
each job unique. `decide` is pure.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from models.database.sql import execute, fetch, skipping_locked, values_table
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import NewJob
from models.jobs.states import LIVE_SQL
from models.rules import recurrence
from models.rules.recurrence import Instants
from models.schedules import firing_rows
from models.schedules.disable import disable_not_computable
from models.schedules.firing_rows import MISFIRED, MISSED, FiringRow
from models.schedules.policies import LATE_AFTER_US, MISFIRE_ALL, MISFIRE_ONCE, MISFIRE_SKIP

log = logging.getLogger("booper.planner")
MADE_UP_AT_MOST = 100  # jobs for missed instants, with misfire "all"
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


class Decision(NamedTuple):
    """What to do about instants that passed: which get a job, and the rows of the others."""

    made_up: list[int]
    rows: list[FiringRow]


COLUMNS = ", ".join(Planned._fields)
FIRST_WAITS = (
    "EXISTS (SELECT 1 FROM job WHERE job.schedule_id = schedule.id AND job.fire_at = schedule.next_at "
    f"AND job.{LIVE_SQL} AND job.state <> 'executing' AND job.start_by >= %s)"
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

    `due`: each schedule, and whether the job of its due instant still waits. A schedule that can't be planned any more
    (its zone is gone) is disabled, and the others are planned all the same.
    """
    new: list[NewJob] = []
    rows: list[FiringRow] = []
    moves: list[tuple[str, int, int | None]] = []
    for schedule, first_waits in due:
        try:
            jobs, firings, next_at = plan_next(schedule, first_waits, now)
        except Exception:
            log.exception("schedule %s can't be planned: disabled", schedule.id)
            disable_not_computable(schedule.id, schedule.account_id, now)
            continue
        new += jobs
        rows += firings
        moves.append((schedule.id, schedule.next_at, next_at))
    job_store.create_many(new, now)
    firing_rows.add(rows)
    move_on(moves)


def plan_next(schedule: Planned, first_waits: bool, now: int) -> tuple[list[NewJob], list[FiringRow], int | None]:
    """What follows the due instant of a schedule: its jobs, the rows of instants without schedule, the next instant."""
    frequency = recurrence.frequency_of(schedule.frequency)
    second = recurrence.next_after(frequency, schedule.next_at)
    old, young = recurrence.between(frequency, second, now - schedule.catch_up_us - 1, ROWS_AT_MOST)
    recent, next_at = recurrence.between(frequency, young, now, ROWS_AT_MOST)
    decision = decide(schedule, old, recent, first_waits, now)
    new = [job_at(schedule, at) for at in [*decision.made_up, *([] if next_at is None else [next_at])]]
    return new, decision.rows, next_at


def decide(schedule: Planned, old: Instants, recent: Instants, first_waits: bool, now: int) -> Decision:
    """Decide about instants that passed without a job: `old` ones are not made up for, `recent` ones may be.

    `first_waits`: a job before them has yet to begin, and makes up for them under `once`.
    """
    missed = [at for at in recent.latest if at >= now - window_us(schedule)]
    limits = {MISFIRE_SKIP: len(missed), MISFIRE_ONCE: 0 if first_waits else 1, MISFIRE_ALL: MADE_UP_AT_MOST}
    made_up = missed[: limits[schedule.misfire]]
    skipped = Instants(recent.before, [at for at in recent.latest if at not in set(made_up)])
    return Decision(made_up, rows_of(schedule.id, old, MISSED, now) + rows_of(schedule.id, skipped, MISFIRED, now))


def rows_of(schedule_id: str, instants: Instants, status: str, now: int) -> list[FiringRow]:
    """The rows of instants that get no job."""
    rows = [FiringRow(schedule_id, at, status, None, None, now) for at in instants.latest]
    if instants.before:
        first, last, count = instants.before
        rows.append(FiringRow(schedule_id, first, status, None, None, now, last, count))
    return rows


def window_us(schedule: Planned) -> int:
    """How long after its instant a job may still begin."""
    return LATE_AFTER_US if schedule.misfire == MISFIRE_SKIP else max(schedule.catch_up_us, LATE_AFTER_US)


def job_at(schedule: Planned, fire_at: int) -> NewJob:
    """The schedule's job for an instant."""
    template: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(schedule.template).items()
    }
    max_age_us = template.pop("max_age_us")
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
        start_by=due_at + window_us(schedule),
        **template,
    )


def move_on(moves: Sequence[tuple[str, int, int | None]]) -> None:
    """Set each schedule's next instant to `new` if it is still `old`: rows of (id, old, new)."""
    if moves:
        table, params = values_table("id uuid, old bigint, new bigint", moves)
        execute(
            f"UPDATE schedule SET next_at = input.new FROM {table} AS input "
            "WHERE schedule.id = input.id AND schedule.next_at = input.old",
            params,
        )


def planned_schedule(row: Sequence[Any]) -> Planned:
    return Planned(str(row[0]), *row[1:])
