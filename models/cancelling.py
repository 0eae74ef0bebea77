"""Owns the cancel of a job as its owner orders it: transition, log entry and what tells of it, in one transaction."""

from models import firings, followups, jobs, lifecycle, outgoing, records, succession
from models.database import transaction
from models.followups import CANCELLED, News
from models.jobs import JobRow
from models.outgoing import NOTHING


def cancel(account_id: int, key: int | str, now: int) -> JobRow | None:
    """Cancel the account's job unless it is final, note it in the log, and return it; None when there is none."""
    held: set[int] = set()
    with transaction():
        job_id = jobs.id_of(account_id, key)
        cancelled = job_id is not None and lifecycle.cancel(account_id, job_id, now)
        job = None if job_id is None else jobs.find(account_id, job_id)
        if job and cancelled:
            firings.note_cancelled([job.id], firings.CANCELLED, now)
            payload = {"reason": "cancelled by its owner"}
            event = "worker.job.cancelled"
            records.add_log_entries([records.log_row(account_id, job.id, job.schedule_id, event, payload, now)])
            held = tell_cancelled(account_id, [job.id], now)
    succession.let_go(held)
    return job


def tell_cancelled(account_id: int, job_ids: list[int], now: int) -> set[int]:
    """Store what tells of cancelled jobs of one account, joining the transaction that cancelled them; returns what to
    give to `succession.let_go` after it."""
    theirs = outgoing.of_accounts([account_id]).get(account_id, NOTHING)
    news = [News(job_id, CANCELLED, now, followups.NOTHING_CAME) for job_id in job_ids]
    return followups.add(news, lambda _: theirs, now)
