"""Owns what becomes of jobs whose holder fell silent: back to the table, or discarded after the last attempt.

The lease in the row decides, so a worker that was killed, cut off or frozen needs no good-bye. Transition, attempt row
and log entry are one transaction.
"""

import logging

from models.database.transactions import transaction
from models.jobs import lifecycle, records
from models.jobs.lifecycle import LostJob
from models.jobs.log_events import JOB_DISCARDED, REQUEST_FAILED
from models.jobs.records import AttemptRow, LogRow, log_row
from models.schedules import schedule_memory
from models.schedules.schedule_memory import FinishedJob
from models.webhooks import event_order
from workers.delivery import job_events
from workers.delivery.config_cache import ConfigCache
from workers.delivery.job_events import LOST, given_up_for

log = logging.getLogger("booper.rescuer")


def rescue_lost(now: int, leases_until: int | None = None) -> int:
    """Bring back or give up every job whose lease has ended (or ends by `leases_until`); returns how many."""
    with transaction():
        rescued = lifecycle.rescue(now, leases_until)
        buried = lifecycle.discard_lost(now, leases_until)
        records.add_attempts([attempt_row(job, now, again=True) for job in rescued])
        records.add_attempts([attempt_row(job, now, again=False) for job in buried])
        records.add_log_entries([row for job in rescued for row in log_rows(job, now, given_up=False)])
        records.add_log_entries([row for job in buried for row in log_rows(job, now, given_up=True)])
        schedule_memory.remember([end_of(job) for job in buried if job.schedule_id], now)
        waiting = job_events.add_of_lost(rescued, buried, ConfigCache(), now) if rescued or buried else set()
    event_order.release_next_events(waiting)
    if rescued or buried:
        log.warning("%d jobs brought back and %d given up whose worker fell silent", len(rescued), len(buried))
    return len(rescued) + len(buried)


def end_of(job: LostJob) -> FinishedJob:
    return FinishedJob(job.id, job.account_id, str(job.schedule_id), job.attempted_at, None)


def attempt_row(job: LostJob, now: int, again: bool) -> AttemptRow:
    return AttemptRow(
        job_id=job.id,
        number=job.attempt,
        started_at=job.attempted_at,
        finished_at=now,
        lateness_us=job.attempted_at - job.scheduled_at,
        outcome="lost",
        reason=LOST,
        next_at=now if again else None,
    )


def log_rows(job: LostJob, now: int, given_up: bool) -> list[LogRow]:
    """That the worker was lost, and that the job was given up, if so."""
    told = [(REQUEST_FAILED, LOST, now)]
    if given_up:
        told.append((JOB_DISCARDED, given_up_for(job), now + 1))
    return [
        log_row(job.account_id, job.id, job.schedule_id, event, {"reason": reason, "attempt": job.attempt}, at)
        for event, reason, at in told
    ]
