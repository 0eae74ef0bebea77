"""Owns what comes of a schedule's instants: the claim of its jobs, which of them may not begin, and the rows of both.

An instant with a job gets its row from the fate of that job, an instant without one from the planner. Whether a job
may begin is known at its claim only: no other job of the schedule may be executing, unless `overlap` says `allow`.
Claims of one schedule take turns by the lock on its row (PostgreSQL) or as writers (SQLite), so that two at once can't
both find nothing executing. A job that waits for its retry does not hold back the next one; its retry waits in turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.sql import any_of, execute, fetch, values_table
from models.database.transactions import transaction
from models.jobs import lifecycle
from models.jobs.lifecycle import IS_WAITING, ClaimedJob, ScheduleState
from models.rules import clock
from models.webhooks import notifications

FIRED, LATE, OVERLAPPED = "fired", "late", "skipped_overlap"
MISFIRED, MISSED, DISABLED, CANCELLED = "skipped_misfire", "missed_down", "disabled", "cancelled"
STATUSES = (FIRED, LATE, OVERLAPPED, MISFIRED, MISSED, DISABLED, CANCELLED)
LIVE = "state IN ('available', 'scheduled', 'retryable', 'executing')"  # as the index job_of_schedule spells it
LATE_AFTER_US = clock.MINUTE  # a first attempt that begins later than this after its time is late
HELD_US = clock.SECOND // 4  # how long a job that waits for its turn is put off at first
SKIP, QUEUE_ONE, ALLOW = "skip", "queue_one", "allow"
OVERLAPS = (SKIP, QUEUE_ONE, ALLOW)
MISFIRES = ("skip", "once", "all")
ORDERS = {"fire_at": ("fire_at", False), "decided_at": ("decided_at", False), "status": ("status", False)}

COLUMNS = (
    "schedule_id uuid, fire_at bigint, status text, job_id bigint, lateness_us bigint, decided_at bigint, "
    "until_at bigint, instants bigint"
)
NAMES = ", ".join(column.split()[0] for column in COLUMNS.split(", "))


class FiringRow(NamedTuple):
    """One row of `firing`; see models/schedules/schedule_tables.py for each column."""

    schedule_id: str
    fire_at: int
    status: str
    job_id: int | None
    lateness_us: int | None
    decided_at: int
    until_at: int | None = None
    instants: int | None = None


class Ready(NamedTuple):
    """A waiting job of a schedule that is due."""

    id: int
    schedule_id: str
    fire_at: int
    attempted_at: int | None
    inserted_at: int

    @property
    def is_new(self) -> bool:
        return self.attempted_at is None

    @property
    def makes_up(self) -> bool:
        """Whether it was made after its instant, for one that was missed: such jobs wait for one another."""
        return self.inserted_at > self.fire_at


class Policy(NamedTuple):
    """What the claim needs of a schedule."""

    id: str
    overlap: str
    offset_us: int
    previous: str | None
    state: str


def add(rows: Sequence[FiringRow]) -> None:
    """Insert rows; an instant that has one keeps it."""
    if not rows:
        return
    given, params = values_table(COLUMNS, rows)
    execute(
        f"INSERT INTO firing ({NAMES}) SELECT {NAMES} FROM {given} AS given WHERE true ON CONFLICT DO NOTHING", params
    )


def claim(ids: Sequence[int], now: int, lease_margin_us: int) -> list[ClaimedJob]:
    """Take those of the jobs that belong to schedules, are due and may begin now, with what their schedules remember.

    What may not begin is cancelled (skip), or put off until its turn. One transaction, rows and all.
    """
    found = _ready("id", ids, now)
    if not found:
        return []
    with transaction():
        policies = lock_schedules({job.schedule_id for job in found})
        chosen = _choose(_ready("id", ids, now), policies, now)  # read again, now that nobody else claims for these
        claimed = lifecycle.claim([job.id for job in chosen], now, lease_margin_us, of_schedules=True)
        claimed = [job._replace(schedule_id=str(job.schedule_id)) for job in claimed]
        add([_fired(job, policies.get(str(job.schedule_id))) for job in claimed if job.attempt == 1])
    return [job._replace(memory=_memory(policies.get(str(job.schedule_id)))) for job in claimed]


def expire(now: int, limit: int) -> int:
    """Cancel jobs that were not begun by their last moment; returns how many."""
    late = fetch(
        "SELECT job.id, job.schedule_id, job.fire_at, schedule.misfire, schedule.catch_up_us, EXISTS (SELECT 1 "
        f"FROM job AS other WHERE other.schedule_id = job.schedule_id AND other.{LIVE} AND other.state = 'executing') "
        "FROM job "
        "LEFT JOIN schedule ON schedule.id = job.schedule_id "
        f"WHERE start_by IS NOT NULL AND job.{IS_WAITING} AND start_by < %s ORDER BY start_by LIMIT %s",
        (now, limit),
    )
    if not late:
        return 0
    with transaction():
        stopped = set(lifecycle.cancel_waiting([row[0] for row in late], now))
        rows = []
        for job_id, schedule_id, fire_at, misfire, catch_up_us, behind_another in late:
            if job_id in stopped:
                too_old = MISFIRED if misfire == "skip" and fire_at >= now - catch_up_us else MISSED
                status = OVERLAPPED if behind_another else too_old
                rows.append(FiringRow(str(schedule_id), fire_at, status, job_id, None, now))
        add(rows)
        notifications.notify_cancelled(sorted(stopped), now)
    return len(stopped)


def note_cancelled(ids: Sequence[int], status: str, now: int) -> None:
    """Write the rows of jobs that were cancelled before any attempt."""
    these, given = any_of("id", ids)
    execute(
        f"INSERT INTO firing ({NAMES}) SELECT schedule_id, fire_at, CAST(%s AS TEXT), id, CAST(NULL AS BIGINT), "
        "CAST(%s AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS BIGINT) FROM job "
        f"WHERE {these} AND fire_at IS NOT NULL AND attempted_at IS NULL ON CONFLICT DO NOTHING",
        (status, now, given),
    )


def release_next_in_turn(schedule_ids: Iterable[str], now: int) -> None:
    """Let the job that waits for its turn behind one that has ended be staged at once: of each schedule the oldest."""
    held = [job for job in _ready("schedule_id", list(schedule_ids), now, "held_until IS NOT NULL")]
    oldest: dict[str, Ready] = {}
    for job in held:
        oldest.setdefault(job.schedule_id, job)
    if oldest:
        lifecycle.release_hold([job.id for job in oldest.values()])


def list_firings(
    schedule_id: str, status: str | None, order: tuple[str, str], limit: int, offset: int
) -> list[FiringRow]:
    """A page of a schedule's rows. `order`: a name in ORDERS and "asc" or "desc"; ties by instant."""
    where, params = ("schedule_id = %s", [schedule_id])
    if status:
        where, params = f"{where} AND status = %s", [*params, status]
    column, direction = ORDERS[order[0]][0], order[1].upper()
    by = f"{column} {direction}" if column == "fire_at" else f"{column} {direction}, fire_at {direction}"
    rows = fetch(f"SELECT {NAMES} FROM firing WHERE {where} ORDER BY {by} LIMIT %s OFFSET %s", (*params, limit, offset))
    return [FiringRow(str(row[0]), *row[1:]) for row in rows]


def prune(decided_before: int, limit: int) -> int:
    """Delete rows older than they are kept, those of schedules that are gone among them; returns how many."""
    with transaction():
        return execute(
            "DELETE FROM firing WHERE (schedule_id, fire_at) IN "
            "(SELECT schedule_id, fire_at FROM firing WHERE decided_at < %s ORDER BY decided_at LIMIT %s)",
            (decided_before, limit),
        )


def lock_schedules(schedule_ids: Iterable[str]) -> dict[str, Policy]:
    """The schedules, their rows locked in the order of ids until the transaction ends."""
    wanted = sorted(schedule_ids)
    if not wanted:
        return {}
    lock = " FOR UPDATE" if dialect() == "postgresql" else ""
    columns = ", ".join(Policy._fields)
    rows = fetch(f"SELECT {columns} FROM schedule WHERE {_in('id', wanted)} ORDER BY id{lock}", wanted)
    return {str(row[0]): Policy(str(row[0]), *row[1:]) for row in rows}


def _choose(ready: Sequence[Ready], policies: Mapping[str, Policy], now: int) -> list[Ready]:
    """Those that may begin; what becomes of the others is written."""
    guarded = sorted(id for id, policy in policies.items() if policy.overlap != ALLOW)
    executing = _executing(guarded)
    queued = _first_queued([id for id in guarded if policies[id].overlap == QUEUE_ONE], now)
    chosen: list[Ready] = []
    held: list[int] = []
    skipped: list[int] = []
    for job in ready:
        policy = policies.get(job.schedule_id)
        if policy is None or policy.overlap == ALLOW:
            chosen.append(job)
        elif job.schedule_id not in executing:
            executing.add(job.schedule_id)
            chosen.append(job)
        elif job.is_new and not job.makes_up and not _waits(job, policy, queued, chosen):
            skipped.append(job.id)
        else:
            held.append(job.id)
    _skip(skipped, now)
    if held:
        lifecycle.snooze([(job_id, 0) for job_id in held], now, HELD_US)
    return chosen


def _waits(job: Ready, policy: Policy, queued: Mapping[str, list[int]], chosen: Sequence[Ready]) -> bool:
    """Whether this job is the one that may wait for its turn."""
    if policy.overlap != QUEUE_ONE:
        return False
    begun = {one.id for one in chosen}
    return next((id for id in queued.get(job.schedule_id, []) if id not in begun), None) == job.id


def _skip(ids: Sequence[int], now: int) -> None:
    if ids:
        skipped = lifecycle.cancel_waiting(ids, now)
        note_cancelled(skipped, OVERLAPPED, now)
        notifications.notify_cancelled(skipped, now)


def _executing(schedule_ids: Sequence[str]) -> set[str]:
    if not schedule_ids:
        return set()
    these = f"{_in('schedule_id', schedule_ids)} AND {LIVE}"
    sql = f"SELECT DISTINCT schedule_id FROM job WHERE {these} AND state = 'executing'"
    return {str(row[0]) for row in fetch(sql, schedule_ids)}


def _first_queued(schedule_ids: Sequence[str], now: int) -> dict[str, list[int]]:
    """Of each schedule the jobs that are due and were never begun, oldest first."""
    found: dict[str, list[int]] = {}
    for job in _ready("schedule_id", schedule_ids, now):
        if job.is_new and not job.makes_up:
            found.setdefault(job.schedule_id, []).append(job.id)
    return found


def _ready(column: str, values: Sequence[Any], now: int, besides: str = "true") -> list[Ready]:
    """Due jobs of schedules, oldest instant first."""
    if not values:
        return []
    these, given = any_of("id", values) if column == "id" else (_in(column, values), None)
    rows = fetch(
        f"SELECT {', '.join(Ready._fields)} FROM job WHERE {these} AND fire_at IS NOT NULL AND {IS_WAITING} "
        f"AND {LIVE} AND schedule_id IS NOT NULL AND scheduled_at <= %s "
        f"AND (start_by IS NULL OR start_by >= %s) AND {besides} "
        "ORDER BY fire_at, id",
        (*([given] if column == "id" else values), now, now),
    )
    return [Ready(row[0], str(row[1]), *row[2:]) for row in rows]


def _fired(job: ClaimedJob, policy: Policy | None) -> FiringRow:
    fire_at = job.fire_at or 0
    lateness_us = job.attempted_at - fire_at - (policy.offset_us if policy else 0)
    status = LATE if lateness_us > LATE_AFTER_US else FIRED
    return FiringRow(str(job.schedule_id), fire_at, status, job.id, lateness_us, job.attempted_at)


def _memory(policy: Policy | None) -> ScheduleState | None:
    return ScheduleState(policy.previous, policy.state) if policy else None


def _in(column: str, values: Sequence[Any]) -> str:
    return f"{column} IN ({', '.join(['%s'] * len(values))})"
