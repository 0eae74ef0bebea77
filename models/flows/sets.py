"""Stores the jobs of an order for a group of targets: a set, listed by its first job as the parent of all.

The first job holds the set's idempotency key and window, so that of two equal orders one makes the set and the other
gets it.
"""

from collections.abc import Sequence

from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.flows import orders
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import SHOWN, JobRow, NewJob, shown_row


def create(new: Sequence[NewJob], now: int) -> tuple[list[JobRow], bool]:
    """Store the jobs in one transaction; their rows and True, or those of the set that holds the key or the window of
    the first, and False."""
    with transaction():
        first, made = orders.create(new[0], now)
        if not made:
            return of(new[0].account_id, first), False
        execute("UPDATE job SET parent_id = id WHERE id = %s", (first.id,))
        others = [job._replace(parent_id=first.id, idempotency_key=None, dedup=None) for job in new[1:]]
        return [first, *(job for job, _ in orders.create_each(others, now))], True


def of(account_id: int, job: JobRow) -> list[JobRow]:
    """The set of its first job, in its order; a job that begins none alone."""
    where = f"parent_id = %s AND account_id = %s AND kind = '{REQUEST}'"
    rows = fetch(f"SELECT {SHOWN} FROM job WHERE {where} ORDER BY id", (job.id, account_id))
    return [shown_row(row) for row in rows] or [job]
