"""Parks the due jobs of flows that are full before a message names them.

Otherwise each would be named, claimed and parked one after another. Messages go first in, first out: in a burst of
10,000 jobs of one flow, the jobs whose turn came had to wait until all others had been parked.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from models.database.sql import any_of, fetch
from models.database.transactions import after_commit
from models.flows import gates, leaving, parking
from models.flows.gates import Gate
from models.flows.parking import IS_ANY
from models.jobs.job_kinds import GROUP
from models.jobs.staging import DueJob
from models.jobs.states import WAITING_SQL

HAS_UNNAMED = f"(SELECT 1 FROM job WHERE parked_by = gate.id AND {WAITING_SQL} AND staged_at IS NULL {IS_ANY}"


def park_unnamed(jobs: Sequence[DueJob], now: int) -> set[int]:
    """Park those of these due jobs whose flow is closed, or has more jobs than may start in the window of its rate;
    returns their ids. The ticker names them in their turns. Inside the transaction that has marked them."""
    flows = Counter(job.flow_id for job in jobs if _waits_in_flow(job))
    full = _full({flow_id: count for flow_id, count in flows.items() if flow_id is not None}, now)
    parked: dict[int, list[int]] = {flow_id: [] for flow_id in full}
    for job in jobs:
        if job.flow_id in parked and _waits_in_flow(job):
            parked[job.flow_id].append(job.id)
    if parked:
        parking.park(parked)
        after_commit(lambda: leaving.look_again(full))
    return {job_id for ids in parked.values() for job_id in ids}


def _waits_in_flow(job: DueJob) -> bool:
    """A job with a lane waits for its turn there first; one that makes others waits for no turn."""
    return job.flow_id is not None and job.lane_id is None and job.kind != GROUP


def _full(counts: Mapping[int, int], now: int) -> list[int]:
    """Those of the flows, with the number of jobs that come now, at which the last of them can't start now.

    Limits of concurrency do not tell that: room may come free before the claim."""
    if not counts:
        return []
    these, params = any_of("id", sorted(counts))
    rows = fetch(f"SELECT {gates.COLUMNS}, {HAS_UNNAMED} FROM gate WHERE {these}", (params,))
    known = [(Gate(*row[:-1]), row[-1]) for row in rows]
    return [
        gate.id
        for gate, has_unnamed in known
        if gate.is_closed(now) or _exceeds_rate(gate, counts[gate.id]) or (has_unnamed and _has_its_starts(gate, now))
    ]


def _exceeds_rate(gate: Gate, count: int) -> bool:
    return gate.rate is not None and count > gate.rate


def _has_its_starts(gate: Gate, now: int) -> bool:
    """Whether the ticker has found that the next job in line has to wait for a start to leave the window."""
    return gate.rate is not None and gate.wake_at is not None and gate.wake_at > now
