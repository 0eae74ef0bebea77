"""Decides at the claim which jobs of a schedule may begin, and cancels those that come too late.

Only at its claim is it known whether a job may begin: no other job of the schedule may be executing, unless `overlap`
says `allow`. Claims of one schedule take turns by the lock on its row (PostgreSQL) or as writers (SQLite), so that two
at once can't both find nothing executing. A job that waits for its retry does not hold back the next one; its retry
waits in turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from models.database.connection import dialect
from models.database.sql import any_of, fetch
from models.database.transactions import transaction
from models.jobs import staging
from models.jobs.lifecycle import ClaimedJob, ScheduleState
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.rules import clock
from models.schedules import firing_rows
from models.schedules.cancel import cancel
from models.schedules.firing_rows import FIRED, LATE, MISFIRED, MISSED, OVERLAPPED, FiringRow
from models.schedules.policies import ALLOW, LATE_AFTER_US, MISFIRE_SKIP, QUEUE_ONE

HELD_US = clock.SECOND // 4  # how long a job that waits for its turn is put off at first
TOO_LATE = "it could not begin in time"
REASONS = {
    OVERLAPPED: "another job of its schedule was under way",
    MISFIRED: TOO_LATE,
    MISSED: TOO_LATE,
}


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


class Choice(NamedTuple):
    """The jobs of schedules that may begin now, and what their schedules say, by schedule."""

    ids: list[int]
    policies: dict[str, Policy]


def choose(ids: Sequence[int], now: int) -> Choice:
    """Choose those of the jobs that belong to schedules, are due and may begin now, inside the transaction of their
    claim. A job that may not begin is cancelled or snoozed until its turn. Jobs whose schedule another session holds
    stay as they are."""
    ready = _ready("id", ids, now)
    if not ready:
        return Choice([], {})
    policies = lock_schedules({job.schedule_id for job in ready})
    chosen = _choose(_ready("id", ids, now), policies, now)  # read again, now that nobody else claims for these
    return Choice([job.id for job in chosen], policies)


def begun(jobs: Sequence[ClaimedJob], choice: Choice) -> list[ClaimedJob]:
    """These jobs, which were just claimed, with the memories of their schedules; writes the rows of their instants."""
    of_schedules = [job._replace(schedule_id=str(job.schedule_id)) for job in jobs if job.fire_at is not None]
    policies = choice.policies
    firing_rows.add([_fired(job, policies.get(str(job.schedule_id))) for job in of_schedules if job.attempt == 1])
    with_memory = [job._replace(memory=_memory(policies.get(str(job.schedule_id)))) for job in of_schedules]
    return [*with_memory, *(job for job in jobs if job.fire_at is None)]


def expire(now: int, limit: int) -> int:
    """Cancel jobs that were not begun by their last moment; returns how many."""
    rows = fetch(
        "SELECT job.id, job.fire_at, schedule.misfire, schedule.catch_up_us, EXISTS (SELECT 1 FROM job AS other "
        f"WHERE other.schedule_id = job.schedule_id AND other.{LIVE_SQL} AND other.state = 'executing') "
        "FROM job LEFT JOIN schedule ON schedule.id = job.schedule_id "
        f"WHERE start_by IS NOT NULL AND job.{WAITING_SQL} AND start_by < %s ORDER BY start_by LIMIT %s",
        (now, limit),
    )
    if not rows:
        return 0
    late: dict[str, list[int]] = {}
    for job_id, fire_at, misfire, catch_up_us, behind_another in rows:
        is_recent = misfire == MISFIRE_SKIP and fire_at >= now - catch_up_us
        status = OVERLAPPED if behind_another else MISFIRED if is_recent else MISSED
        late.setdefault(status, []).append(job_id)
    with transaction():
        return sum(len(cancel(ids, REASONS[status], status, now)) for status, ids in late.items())


def release_next_in_turn(schedule_ids: Iterable[str], now: int) -> None:
    """Let the oldest snoozed job of each schedule be staged at once, since the job before it has ended."""
    oldest: dict[str, Ready] = {}
    for job in _ready("schedule_id", list(schedule_ids), now, "held_until IS NOT NULL"):
        oldest.setdefault(job.schedule_id, job)
    if oldest:
        staging.release_hold([job.id for job in oldest.values()])


def lock_schedules(schedule_ids: Iterable[str]) -> dict[str, Policy]:
    """The schedules, their rows locked in the order of ids until the transaction ends."""
    ids = sorted(schedule_ids)
    if not ids:
        return {}
    lock = " FOR UPDATE" if dialect() == "postgresql" else ""
    columns = ", ".join(Policy._fields)
    rows = fetch(f"SELECT {columns} FROM schedule WHERE {_in('id', ids)} ORDER BY id{lock}", ids)
    return {str(row[0]): Policy(str(row[0]), *row[1:]) for row in rows}


def _choose(ready: Sequence[Ready], policies: Mapping[str, Policy], now: int) -> list[Ready]:
    """The jobs that may begin; the others are cancelled or snoozed."""
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
    cancel(skipped, REASONS[OVERLAPPED], OVERLAPPED, now)
    if held:
        staging.snooze(held, now, HELD_US)
    return chosen


def _waits(job: Ready, policy: Policy, queued: Mapping[str, list[int]], chosen: Sequence[Ready]) -> bool:
    """Whether this job is the one that may wait for its turn."""
    if policy.overlap != QUEUE_ONE:
        return False
    chosen_ids = {chosen_job.id for chosen_job in chosen}
    return next((id for id in queued.get(job.schedule_id, []) if id not in chosen_ids), None) == job.id


def _executing(schedule_ids: Sequence[str]) -> set[str]:
    if not schedule_ids:
        return set()
    these = f"{_in('schedule_id', schedule_ids)} AND {LIVE_SQL}"
    sql = f"SELECT DISTINCT schedule_id FROM job WHERE {these} AND state = 'executing'"
    return {str(row[0]) for row in fetch(sql, schedule_ids)}


def _first_queued(schedule_ids: Sequence[str], now: int) -> dict[str, list[int]]:
    """The due jobs of each schedule that never began, oldest first."""
    queued: dict[str, list[int]] = {}
    for job in _ready("schedule_id", schedule_ids, now):
        if job.is_new and not job.makes_up:
            queued.setdefault(job.schedule_id, []).append(job.id)
    return queued


def _ready(column: str, values: Sequence[Any], now: int, condition: str = "true") -> list[Ready]:
    """Due jobs of schedules, oldest instant first."""
    if not values:
        return []
    these, id_set = any_of("id", values) if column == "id" else (_in(column, values), None)
    rows = fetch(
        f"SELECT {', '.join(Ready._fields)} FROM job WHERE {these} AND fire_at IS NOT NULL AND {WAITING_SQL} "
        f"AND {LIVE_SQL} AND schedule_id IS NOT NULL AND scheduled_at <= %s "
        f"AND (start_by IS NULL OR start_by >= %s) AND {condition} "
        "ORDER BY fire_at, id",
        (*([id_set] if column == "id" else values), now, now),
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
