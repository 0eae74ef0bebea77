"""Takes back jobs whose holder fell silent: makes them available again, or discards them after the last attempt.

The lease in the row decides, so a worker that was killed, cut off or frozen needs no farewell. Transition, attempt row
and log entry are one transaction.
"""

import logging
from collections.abc import Sequence

from models.database.transactions import transaction
from models.flows import closing, leaving
from models.jobs import lifecycle, records
from models.jobs.job_kinds import ALERT
from models.jobs.lifecycle import LostJob
from models.jobs.log_events import JOB_DISCARDED, REQUEST_FAILED
from models.jobs.records import AttemptRow, LogRow, log_row
from models.schedules import schedule_memory
from models.schedules.overlap import release_next_in_turn
from models.schedules.schedule_memory import FinishedJob
from models.webhooks import event_order
from runtime import metrics
from workers.delivery import job_events
from workers.delivery.config_cache import ConfigCache
from workers.delivery.judge import WORKER_LOST, given_up_for
from workers.ticker import acknowledger
from workers.ticker.front import Front

log = logging.getLogger("booper.rescuer")


class Rescuer:
    """Looks for the first lease that has ended, and rescues only if there is one."""

    def __init__(self) -> None:
        self._leases = Front()

    def rescue_lost(self, now: int, leases_until: int) -> int:
        first = self._leases.search(leases_until, lambda begin: lifecycle.first_lost(begin, leases_until))
        if first is None:
            return 0
        return rescue_lost(now, leases_until, first) + acknowledger.end_overdue(now, first, leases_until)


def rescue_lost(now: int, leases_until: int | None = None, leases_from: int = 0) -> int:
    """Rescue or discard every job whose lease has ended (or ends by `leases_until`); returns how many. The claims on
    jobs that were cancelled under way end too."""
    with transaction():
        rescued = lifecycle.rescue(now, leases_until, leases_from)
        waiting = _record(rescued, [], [], now)
    _after_commit(rescued, waiting)
    # What is given up may have to wait for the row of its schedule or lane; what comes back has nothing to do with it.
    with transaction():
        discarded = lifecycle.discard_lost(now, leases_until, leases_from)
        cancelled = lifecycle.end_cancelled(now, leases_until, leases_from)
        waiting = _record([], discarded, cancelled, now)
    _after_commit([*discarded, *cancelled], waiting)
    metrics.count_alert_messages(delivered=0, given_up=sum(job.kind == ALERT for job in discarded))
    if rescued or discarded:
        log.warning("workers fell silent: %d jobs rescued, %d discarded", len(rescued), len(discarded))
    return len(rescued) + len(discarded)


def _record(
    rescued: Sequence[LostJob], discarded: Sequence[LostJob], cancelled: Sequence[LostJob], now: int
) -> set[int]:
    """Record the lost attempts; returns what `event_order.release_next_events` takes after the commit."""
    lost = [*rescued, *discarded, *cancelled]
    if not lost:
        return set()
    records.add_attempts([attempt_row(job, now, again=job in rescued) for job in lost])
    records.add_log_entries([row for job in lost for row in log_rows(job, now, given_up=job in discarded)])
    closing.stop_lanes({job.lane_id: job.id for job in discarded if job.lane_id}, now)
    schedule_memory.remember([end_of(job) for job in discarded if job.schedule_id], now)
    release_next_in_turn({str(job.schedule_id) for job in cancelled if job.schedule_id}, now)
    return job_events.add_of_lost(rescued, [*discarded, *cancelled], ConfigCache(), now)


def _after_commit(lost: Sequence[LostJob], waiting: set[int]) -> None:
    event_order.release_next_events(waiting)
    leaving.make_room(lost)


def end_of(job: LostJob) -> FinishedJob:
    return FinishedJob(
        job.id, job.account_id, str(job.schedule_id), job.fire_at or 0, answer=None, reason=given_up_for(job)
    )


def attempt_row(job: LostJob, now: int, again: bool) -> AttemptRow:
    return AttemptRow(
        job_id=job.id,
        number=job.attempt,
        started_at=job.attempted_at,
        finished_at=now,
        lateness_us=job.attempted_at - job.scheduled_at,
        outcome="lost",
        reason=WORKER_LOST,
        next_at=now if again else None,
    )


def log_rows(job: LostJob, now: int, given_up: bool) -> list[LogRow]:
    """The log entry of the lost worker, and that of the discarded job, if it was."""
    entries = [(REQUEST_FAILED, WORKER_LOST, now)]
    if given_up:
        entries.append((JOB_DISCARDED, given_up_for(job), now + 1))
    return [
        log_row(job.account_id, job.id, job.schedule_id, event, {"reason": reason, "attempt": job.attempt}, at)
        for event, reason, at in entries
    ]
