"""Cancels jobs for their owner: one, or many one after another. `models/schedules/cancel.py` does what a cancel is."""

from collections.abc import Sequence

from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import JobRow
from models.schedules import cancel as cancels
from models.schedules.firing_rows import CANCELLED
from models.schedules.overlap import release_next_in_turn

BY_OWNER = "cancelled by its owner"


def cancel(account_id: int, key: int | str, now: int) -> JobRow | None:
    """Cancel the account's job unless it is final, and return it; None when there is none."""
    with transaction():
        job_id = job_store.id_of(account_id, key)
        if job_id is None:
            return None
        cancelled = cancels.cancel([job_id], BY_OWNER, CANCELLED, now, waiting_only=False)
        job = job_store.find(account_id, job_id)
        if cancelled and job and job.schedule_id:
            release_next_in_turn([job.schedule_id], now)  # if it has waited for its target alone, its turn is over
        return job


def cancel_all(account_id: int, ids: Sequence[int], now: int) -> int:
    """Cancel those of the account's jobs that are not final, and return how many are cancelled then.

    Each has a transaction of its own: only after its commit can it release an event that waited for it.
    """
    jobs = [cancel(account_id, job_id, now) for job_id in ids]
    return sum(job is not None and job.state == "cancelled" for job in jobs)
