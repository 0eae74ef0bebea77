"""Works off backfills: when the job of one instant has ended, it makes that of the next.

A turn is one transaction that locks the backfill, then its schedule: the job, the row of its instant and the progress
are stored together or not at all. An instant that has run, or whose job is there, is passed over. So each gets one job
at most, whoever asks for it again and whenever a process dies. At the claim such a job is one of a past instant: it
waits for whatever `overlap` lets it wait for, and is not skipped.
"""

import json

from models.database.sql import execute, fetch, skipping_locked
from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.states import LIVE, in_states
from models.rules import recurrence
from models.schedules import firing_rows, planning
from models.schedules.backfills.backfill_store import CANCELLED, DONE, RUNNING
from models.schedules.planning import Planned

LOOKED_AT = 50  # instants of a turn
READY = (
    "state = 'running' AND NOT EXISTS (SELECT 1 FROM job WHERE job.id = backfill.job_id "
    f"AND ({in_states(LIVE, 'job')} OR job.lease_until IS NOT NULL))"
)


def take_turns(now: int, limit: int) -> int:
    """Let the backfills go on whose latest job has ended; returns how many had a turn."""
    rows = fetch(f"SELECT id, schedule_id FROM backfill WHERE {READY} ORDER BY id LIMIT %s", (limit,))
    return sum(_take_turn(backfill_id, str(schedule_id), now) for backfill_id, schedule_id in rows)


def _take_turn(backfill_id: int, schedule_id: str, now: int) -> bool:
    """One turn; False when another session holds the backfill or its schedule."""
    with transaction():
        columns = "instants, looked_at, made, job_id, inserted_at"
        sql = f"SELECT {columns} FROM backfill WHERE id = %s AND {READY}{skipping_locked()}"
        rows = fetch(sql, (backfill_id,))
        if not rows:
            return False
        instants, looked_at, made, job_id, inserted_at = rows[0]
        sql = f"SELECT {planning.COLUMNS}, disabled_at FROM schedule WHERE id = %s{skipping_locked()}"
        schedules = fetch(sql, (schedule_id,))
        if not schedules and fetch("SELECT 1 FROM schedule WHERE id = %s", (schedule_id,)):
            return False
        if not schedules or (schedules[0][-1] or 0) > inserted_at:
            _end(backfill_id, CANCELLED, now)
            return True
        left = json.loads(instants)[looked_at:]
        passed, new_id = _next_job(planning.planned_schedule(schedules[0][:-1]), left[:LOOKED_AT], now)
        execute(
            "UPDATE backfill SET looked_at = %s, made = %s, job_id = %s WHERE id = %s",
            (looked_at + passed, made + (new_id is not None), new_id or job_id, backfill_id),
        )
        if not left:
            _end(backfill_id, DONE, now)
        return True


def _next_job(schedule: Planned, instants: list[int], now: int) -> tuple[int, int | None]:
    """Make the job of the first of the instants that has not run: how many were looked at, and the job's id."""
    for number, fire_at in enumerate(instants, 1):
        job_id = _make(schedule, fire_at, now)
        if job_id is not None:
            return number, job_id
    return len(instants), None


def _make(schedule: Planned, fire_at: int, now: int) -> int | None:
    """The job of a past instant and the row that marks it; None if the instant has run, or has a job."""
    if firing_rows.has_run(schedule.id, fire_at):
        return None
    new = planning.job_at(schedule, fire_at)
    late_us = now - new.scheduled_at
    retry_until = None if new.retry_until is None else new.retry_until + late_us
    [job] = job_store.create_many([new._replace(scheduled_at=now, start_by=None, retry_until=retry_until)], now)
    if job is None:
        return None
    firing_rows.mark_backfilled(schedule.id, fire_at, job.id, _following(schedule, fire_at), now)
    return job.id


def _following(schedule: Planned, fire_at: int) -> int | None:
    try:
        return recurrence.next_after(recurrence.frequency_of(schedule.frequency, schedule.calendar_days), fire_at)
    except (KeyError, ValueError):  # the schedule was changed since, and its zone is gone
        return None


def _end(backfill_id: int, state: str, now: int) -> None:
    execute(
        "UPDATE backfill SET state = %s, ended_at = %s WHERE id = %s AND state = %s", (state, now, backfill_id, RUNNING)
    )
