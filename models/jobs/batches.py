"""Makes many jobs at once for a client. Each gets its job, or the job that holds its idempotency key.

Two batches with the same keys do not deadlock: jobs with keys are inserted in the order of their keys, so both batches
wait at the unique index in one order.
"""

from collections.abc import Sequence

from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import JobRow, NewJob


def create_each(new: Sequence[NewJob], now: int) -> list[tuple[JobRow, bool]]:
    """Store the jobs in one transaction, joining the caller's. In their order: each job's row and True, or the row
    that holds its idempotency key already and False. Of several jobs with one key in `new`, the first gets it."""
    order = sorted(range(len(new)), key=lambda place: new[place].idempotency_key or "")
    with transaction():
        rows = job_store.create_many([new[place] for place in order], now)
        results = {
            place: (row, True) if row else job_store.create(new[place], now)
            for place, row in zip(order, rows, strict=True)
        }
    return [results[place] for place in range(len(new))]
