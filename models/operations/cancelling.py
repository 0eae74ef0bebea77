"""Owns the cancel of a job as its owner orders it: transition, log entry and what tells of it, in one transaction."""

from collections.abc import Sequence

from models.database.transactions import transaction
from models.jobs import job_store, lifecycle, records
from models.jobs.job_store import JobRow
from models.schedules import firings
from models.webhooks import notifications


def cancel(account_id: int, key: int | str, now: int) -> JobRow | None:
    """Cancel the account's job unless it is final, note it in the log, and return it; None when there is none."""
    with transaction():
        job_id = job_store.id_of(account_id, key)
        cancelled = job_id is not None and lifecycle.cancel(account_id, job_id, now)
        job = None if job_id is None else job_store.find(account_id, job_id)
        if job and cancelled:
            firings.note_cancelled([job.id], firings.CANCELLED, now)
            payload = {"reason": "cancelled by its owner"}
            event = "worker.job.cancelled"
            records.add_log_entries([records.log_row(account_id, job.id, job.schedule_id, event, payload, now)])
            notifications.notify_cancelled([job.id], now)
    return job


def cancel_all(account_id: int, ids: Sequence[int], now: int) -> int:
    """Cancel those of the account's jobs that are not final, one after another: each looks after its commit whether an
    event waited for it. Returns how many are cancelled then."""
    jobs = [cancel(account_id, job_id, now) for job_id in ids]
    return sum(job is not None and job.state == "cancelled" for job in jobs)
