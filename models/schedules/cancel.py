"""Cancels jobs, those of schedules and all others: the only caller of the transition `cancel`.

One transaction holds all that belongs to a cancel: the transition with its count, the row of the job's instant, the log
entry with the reason, and the callbacks and events. It stands among the schedules because they cancel their own jobs
and because it writes the row of an instant. Schedules can't import higher layers, and lower ones know no instants.
Owners cancel by `models/operations/cancelling.py`.
"""

from collections.abc import Sequence
from typing import Any

from models.database.sql import fetch
from models.database.transactions import after_commit, transaction
from models.flows import leaving
from models.jobs import lifecycle, records
from models.jobs.log_events import JOB_CANCELLED
from models.jobs.states import LIVE_SQL, WAITING_SQL
from models.schedules import firing_rows
from models.webhooks import notifications


def cancel(
    ids: Sequence[int],
    reason: str,
    firing_status: str | None,
    now: int,
    waiting_only: bool = True,
    if_free: bool = False,
) -> list[int]:
    """Cancel those of the jobs that wait, or with `waiting_only` false all that are not final; returns their ids.

    `firing_status`: what the row of each job's instant says, unless the instant has a row; None writes no row.
    `if_free`: pass over jobs that another session holds.
    """
    with transaction():
        jobs = lifecycle.cancel(ids, now, waiting_only, if_free)
        if not jobs:
            return []
        cancelled = [job.id for job in jobs]
        if firing_status:
            firing_rows.add_cancelled(cancelled, firing_status, now)
        payload = {"reason": reason}
        records.add_log_entries(
            [records.log_row(job.account_id, job.id, job.schedule_id, JOB_CANCELLED, payload, now) for job in jobs]
        )
        notifications.notify_cancelled(cancelled, now)
        after_commit(lambda: leaving.make_room(jobs))
    return cancelled


def cancel_of_schedule(
    schedule_id: str,
    reason: str,
    firing_status: str | None,
    now: int,
    condition: str = "true",
    params: Sequence[Any] = (),
) -> int:
    """Cancel the waiting jobs of a schedule that meet a condition; returns how many.

    Only instants that have come get a row: a row of a future instant would keep its job from being made again.
    """
    waiting = f"schedule_id = %s AND {WAITING_SQL} AND {LIVE_SQL} AND {condition}"
    rows = fetch(f"SELECT id, fire_at <= %s FROM job WHERE {waiting}", (now, schedule_id, *params))
    due = [job_id for job_id, is_due in rows if is_due]
    coming = [job_id for job_id, is_due in rows if not is_due]
    return len(cancel(due, reason, firing_status, now)) + len(cancel(coming, reason, None, now))
