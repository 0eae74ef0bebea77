"""Stores new jobs that join flows and lanes, or are made once within a window. Others are stored as if there were none
of these."""

from collections.abc import Mapping, Sequence

from models.database.transactions import transaction
from models.flows import gates
from models.jobs import batches, dedup_windows, job_store
from models.jobs.job_store import JobRow, NewJob
from models.rules.limits import FLOW, LANE, GateName


def create(new: NewJob, now: int) -> tuple[JobRow, bool]:
    """Store the job; its row and True, or the row that holds its window or its idempotency key and False."""
    if not new.gates and new.dedup is None:
        return job_store.create(new, now)
    return create_each([new], now)[0]


def create_each(new: Sequence[NewJob], now: int) -> list[tuple[JobRow, bool]]:
    """Store many jobs in one transaction; see models/jobs/batches.py."""
    if not any(job.gates or job.dedup for job in new):
        return batches.create_each(new, now)
    with transaction():
        return dedup_windows.create_each(new, now, lambda made: batches.create_each(joined(made, now), now))


def joined(new: Sequence[NewJob], now: int) -> list[NewJob]:
    """The jobs of one account with the ids of their gates, inside the transaction that stores them. Where several name
    limits for one gate, the last count."""
    names: dict[tuple[str, str], GateName] = {}
    for job in new:
        for name in job.gates:
            if name.limits is not None or (name.kind, name.key) not in names:
                names[name.kind, name.key] = name
    ids = gates.join(new[0].account_id, names.values(), now) if names else {}
    return [_with_ids(job, ids) for job in new]


def _with_ids(job: NewJob, ids: Mapping[tuple[str, str], int]) -> NewJob:
    of_kind = {name.kind: ids[name.kind, name.key] for name in job.gates}
    return job._replace(flow_id=of_kind.get(FLOW), lane_id=of_kind.get(LANE))
