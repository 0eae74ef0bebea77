"""Decides at the claim which jobs of a schedule may begin, and cancels those that come too late.

Only at its claim is it known whether a job may begin: no other job of the schedule may be executing, unless `overlap`
says `allow`. Claims of one schedule take turns by the lock on its row (PostgreSQL) or as writers (SQLite), so that two
at once can't both find nothing executing. A job that waits for its retry does not hold back the next one; its retry
waits in turn.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from models.database.sql import fetch, skipping_locked
from models.jobs import staging
from models.jobs.lifecycle import ClaimedJob
from models.jobs.states import LIVE_SQL, UNDER_WAY_SQL
from models.rules import clock
from models.rules.lateness import LATE_AFTER_US
from models.rules.templating import Memory
from models.schedules import firing_rows, misfire, planning
from models.schedules.cancel import cancel
from models.schedules.disable import BY_OWNER, DELETED
from models.schedules.firing_rows import DISABLED, FIRED, LATE, OVERLAPPED, FiringRow
from models.schedules.misfire import Room
from models.schedules.policies import ALLOW
from models.schedules.ready_jobs import ReadyJob, is_in, ready_jobs
from models.schedules.turns import Rhythm, Turns, UnderWay, overlaps, turns_of

HELD_US = clock.SECOND // 4  # how long a job that waits for its turn is put off at first
SNOOZED = "held_until IS NOT NULL AND parked_by IS NULL"  # what waits at a gate is brought back by that gate


class LockedSchedule(NamedTuple):
    """What the claim needs of a schedule, whose row it has locked."""

    id: str
    overlap: str
    misfire: str
    frequency: str
    offset_us: int
    next_at: int | None
    disabled_at: int | None
    previous: str | None
    state: str
    calendar_days: str | None

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm(self.frequency, self.offset_us, self.calendar_days)

    def is_planned(self, now: int) -> bool:
        """Whether the planner is not so late that instants may have been missed of which it does not know."""
        return self.next_at is None or self.disabled_at is not None or now - self.next_at <= LATE_AFTER_US


class Choice(NamedTuple):
    """The jobs of schedules that may begin now, and what their schedules say, by schedule."""

    ids: list[int]
    schedules: dict[str, LockedSchedule]


def choose(ids: Sequence[int], now: int) -> Choice:
    """Choose those of the jobs that belong to schedules, are due and may begin now, inside the transaction of their
    claim. A job that may not begin is cancelled or snoozed until its turn. Jobs whose schedule another session holds
    stay as they are."""
    ready = ready_jobs("id", ids, now)
    if not ready:
        return Choice([], {})
    schedules, held = lock_schedules({job.schedule_id for job in ready})
    ready = [job for job in ready if job.schedule_id not in held]
    _cancel_ended(ready, schedules, now)
    _pass_over_missed(ready, schedules, now)
    free = [job.id for job in ready]
    chosen = _choose(ready_jobs("id", free, now), schedules, now)  # read again: nobody else claims for these now
    return Choice([job.id for job in chosen], schedules)


def begun(jobs: Sequence[ClaimedJob], choice: Choice) -> list[ClaimedJob]:
    """These jobs, which were just claimed, with the memories of their schedules; writes the rows of their instants."""
    of_schedules = [job._replace(schedule_id=str(job.schedule_id)) for job in jobs if job.fire_at is not None]
    schedules = choice.schedules
    firing_rows.add([_fired(job, schedules.get(str(job.schedule_id))) for job in of_schedules if job.attempt == 1])
    with_memory = [job._replace(memory=_memory(schedules.get(str(job.schedule_id)))) for job in of_schedules]
    return [*with_memory, *(job for job in jobs if job.fire_at is None)]


def release_next_in_turn(schedule_ids: Iterable[str], now: int) -> None:
    """Let the snoozed job of each schedule whose turn is next be staged at once, since the job before it has ended."""
    held = _by_schedule(ready_jobs("schedule_id", list(schedule_ids), now, SNOOZED))
    rhythms = _rhythms([schedule_id for schedule_id, jobs in held.items() if len(jobs) > 1])
    first = [_first(jobs, rhythms.get(schedule_id), now).id for schedule_id, jobs in held.items()]
    if first:
        staging.release_hold(first)


def lock_schedules(schedule_ids: Iterable[str]) -> tuple[dict[str, LockedSchedule], set[str]]:
    """The schedules, their rows locked until the transaction ends; and the ids of those that another session holds."""
    ids = sorted(schedule_ids)
    if not ids:
        return {}, set()
    columns = ", ".join(LockedSchedule._fields)
    rows = fetch(f"SELECT {columns} FROM schedule WHERE {is_in('id', ids)} ORDER BY id{skipping_locked()}", ids)
    schedules = {str(row[0]): LockedSchedule(str(row[0]), *row[1:]) for row in rows}
    missing = [schedule_id for schedule_id in ids if schedule_id not in schedules]
    held = fetch(f"SELECT id FROM schedule WHERE {is_in('id', missing)}", missing) if missing else []
    return schedules, {str(row[0]) for row in held}


def _cancel_ended(ready: Sequence[ReadyJob], schedules: Mapping[str, LockedSchedule], now: int) -> None:
    """Cancel the jobs of deleted schedules, and those from before their schedule was disabled: what was under way then
    is not tried again. A job that was ordered of a disabled schedule since goes on."""
    gone, stopped = [], []
    for job in ready:
        schedule = schedules.get(job.schedule_id)
        if schedule is None:
            gone.append(job.id)
        elif schedule.disabled_at is not None and job.inserted_at < schedule.disabled_at:
            stopped.append(job.id)
    for ids, reason, status in ((gone, DELETED, None), (stopped, BY_OWNER, DISABLED)):
        if ids:
            cancel(ids, reason, status, now, if_free=True)


def _pass_over_missed(ready: Sequence[ReadyJob], schedules: Mapping[str, LockedSchedule], now: int) -> None:
    """Apply the rule for missed instants, if there are any, before one of their jobs begins."""
    missed = {
        job.schedule_id: schedules[job.schedule_id]
        for job in ready
        if job.schedule_id in schedules and job.is_missed(schedules[job.schedule_id].offset_us, now)
    }
    unplanned = [schedule_id for schedule_id, schedule in missed.items() if not schedule.is_planned(now)]
    if unplanned:
        planning.plan_locked(unplanned, now)
    rooms = {key: Room(misfire.BEGIN_AT_MOST[schedule.misfire], schedule.offset_us) for key, schedule in missed.items()}
    misfire.cancel_surplus(rooms, now)


def _choose(ready: Sequence[ReadyJob], schedules: Mapping[str, LockedSchedule], now: int) -> list[ReadyJob]:
    """The jobs that may begin; the others are cancelled or snoozed."""
    executing = _executing(list(schedules))
    all_turns = [
        _turns(jobs, schedules.get(schedule_id), executing.get(schedule_id, []), now)
        for schedule_id, jobs in _by_schedule(ready).items()
    ]
    skipped = [job_id for turns in all_turns for job_id in turns.skip]
    if skipped:
        cancel(skipped, misfire.WAITED_TOO_LONG, OVERLAPPED, now, if_free=True)
    waiting = [job_id for turns in all_turns for job_id in turns.wait]
    if waiting:
        staging.snooze(waiting, now, HELD_US)
    return [job for turns in all_turns for job in turns.begin]


def _turns(jobs: Sequence[ReadyJob], schedule: LockedSchedule | None, under_way: Sequence[UnderWay], now: int) -> Turns:
    """The turns of the due jobs of one schedule. `schedule` None: it was deleted, and its jobs are cancelled already,
    so none of them has a turn."""
    if schedule is None:
        return Turns([], [], [])
    queued = _queued(jobs, schedule, under_way, now) if schedule.overlap != ALLOW else []
    return turns_of(jobs, under_way, queued, schedule.overlap, schedule.rhythm, now)


def _queued(jobs: Sequence[ReadyJob], schedule: LockedSchedule, under_way: Sequence[UnderWay], now: int) -> list[int]:
    """The schedule's due jobs that overlap the one under way, oldest first; asked for only if one of these does."""
    if not any(overlaps(job, under_way, schedule.offset_us) for job in jobs):
        return []
    waiting = ready_jobs("schedule_id", [schedule.id], now)
    return [job.id for job in waiting if overlaps(job, under_way, schedule.offset_us)]


def _executing(schedule_ids: Sequence[str]) -> dict[str, list[UnderWay]]:
    """The jobs of each schedule whose requests are under way, whether they were cancelled since or not."""
    if not schedule_ids:
        return {}
    these = f"{is_in('schedule_id', schedule_ids)} AND {UNDER_WAY_SQL}"
    # A job of a set that the schedule's own job made stands for no instant.
    columns = ", ".join(UnderWay._fields).replace("fire_at", "COALESCE(fire_at, attempted_at)")
    columns = columns.replace("lane_id", f"CASE WHEN {LIVE_SQL} THEN lane_id END")
    sql = f"SELECT {columns} FROM job WHERE {these}"
    executing: dict[str, list[UnderWay]] = {}
    for row in fetch(sql, schedule_ids):
        executing.setdefault(str(row[0]), []).append(UnderWay(str(row[0]), *row[1:]))
    return executing


def _by_schedule(jobs: Iterable[ReadyJob]) -> dict[str, list[ReadyJob]]:
    by_schedule: dict[str, list[ReadyJob]] = {}
    for job in jobs:
        by_schedule.setdefault(job.schedule_id, []).append(job)
    return by_schedule


def _rhythms(schedule_ids: Sequence[str]) -> dict[str, Rhythm]:
    if not schedule_ids:
        return {}
    columns = ", ".join(Rhythm._fields)
    rows = fetch(f"SELECT id, {columns} FROM schedule WHERE {is_in('id', schedule_ids)}", schedule_ids)
    return {str(row[0]): Rhythm(*row[1:]) for row in rows}


def _first(jobs: Sequence[ReadyJob], rhythm: Rhythm | None, now: int) -> ReadyJob:
    return rhythm.in_turn(jobs, now)[0] if rhythm else jobs[0]


def _fired(job: ClaimedJob, schedule: LockedSchedule | None) -> FiringRow:
    fire_at = job.fire_at or 0
    lateness_us = job.attempted_at - fire_at - (schedule.offset_us if schedule else 0)
    status = LATE if lateness_us > LATE_AFTER_US else FIRED
    return FiringRow(str(job.schedule_id), fire_at, status, job.id, lateness_us, job.attempted_at)


def _memory(schedule: LockedSchedule | None) -> Memory | None:
    return Memory(schedule.previous, schedule.state) if schedule else None
