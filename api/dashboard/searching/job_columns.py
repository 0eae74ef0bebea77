"""Adds to each job of a list what its latest attempt came to: how many there were, status, reason, lateness."""

from collections.abc import Sequence
from typing import NamedTuple

from models.jobs.job_store import JobRow
from models.jobs.searches import last_attempts
from models.jobs.states import WAITING

NOTHING: tuple[int, None, None, None] = (0, None, None, None)


class ListedJob(NamedTuple):
    """A job with its latest attempt. `lateness_us`: of its latest attempt; of a waiting job that is overdue, so far."""

    job: JobRow
    attempts: int
    status_code: int | None
    reason: str | None
    lateness_us: int | None


def listed_jobs(jobs: Sequence[JobRow], now: int) -> list[ListedJob]:
    """The jobs in their order."""
    last = last_attempts.of_jobs([job.id for job in jobs]) if jobs else {}
    listed = []
    for job in jobs:
        row = last.get(job.id)
        attempt = (row.number, row.status_code, row.reason, row.lateness_us) if row else NOTHING
        overdue_us = now - job.scheduled_at if job.state in WAITING and job.scheduled_at < now else None
        listed.append(ListedJob(job, *attempt)._replace(lateness_us=attempt[3] if overdue_us is None else overdue_us))
    return listed
