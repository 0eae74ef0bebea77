"""Owns the making of many jobs at once for a client, each of which gets its job or the one that holds its key.

Two batches with the same idempotency keys don't lock each other out: jobs with keys are inserted in the order of their
keys, so both wait at the unique index in one order.
"""

from collections.abc import Sequence

from models.database.transactions import transaction
from models.jobs import job_store
from models.jobs.job_store import JobRow, NewJob


def create_each(new: Sequence[NewJob], now: int) -> list[tuple[JobRow, bool]]:
    """Store the jobs in one transaction, joining the caller's. In the order given: each job's row and True, or the row
    that holds its idempotency key already and False; of several with one key in here, the first has it."""
    order = sorted(range(len(new)), key=lambda place: new[place].idempotency_key or "")
    with transaction():
        rows = job_store.create_many([new[place] for place in order], now)
        found = {
            place: (row, True) if row else job_store.create(new[place], now)
            for place, row in zip(order, rows, strict=True)
        }
    return [found[place] for place in range(len(new))]
