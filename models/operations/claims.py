"""Claims jobs that something may hold back: a closed host or account, their schedule, a flow or a lane.

Each of these is asked in turn, and what all let pass is claimed. The caller has claimed before, in one statement, the
jobs that nothing holds back (`lifecycle.claim`). No statement waits for a job that another session holds, and none for
long for a gate: then it raises.
"""

from collections.abc import Sequence
from typing import NamedTuple

from models.database.sql import any_of, fetch
from models.database.transactions import transaction, wait_briefly_for_locks
from models.flows import breakers, closing, gates, parking
from models.flows.admission import Admission, Candidate
from models.flows.closing import Target
from models.jobs import lifecycle
from models.jobs.job_kinds import GROUP
from models.jobs.lifecycle import ClaimedJob
from models.jobs.states import WAITING_SQL
from models.schedules import overlap


class Due(NamedTuple):
    """A waiting job that is due, and what may hold it back."""

    id: int
    account_id: int
    host: str
    fire_at: int | None
    flow_id: int | None
    lane_id: int | None
    parked_by: int | None
    kind: str

    def candidate(self) -> Candidate:
        return Candidate(self.id, self.flow_id, self.lane_id, self.parked_by, self.kind != GROUP)


def claim(ids: Sequence[int], now: int, lease_margin_us: int, claim_id: int | None = None) -> list[ClaimedJob]:
    """Claim those of the jobs that wait, are due and may begin, all under one fence, in one transaction."""
    with transaction():
        return _claim(ids, now, lease_margin_us, claim_id)


def _claim(ids: Sequence[int], now: int, lease_margin_us: int, claim_id: int | None) -> list[ClaimedJob]:
    due = _due(ids, now)
    if not due:
        return []
    wait_briefly_for_locks(gates.BRIEFLY_MS)
    held = closing.held_by([Target(job.id, job.account_id, job.host) for job in due], now)
    for gate_id in breakers.take_probes(held, now):
        held[gate_id].pop(0)  # it goes out as a probe
    parking.park(held)
    behind = {job_id for of_gate in held.values() for job_id in of_gate}
    choice = overlap.choose([job.id for job in due if job.fire_at is not None and job.id not in behind], now)
    passing = [job for job in due if job.id not in behind and (job.fire_at is None or job.id in choice.ids)]
    admission = Admission([job.candidate() for job in passing], now)
    claimed = lifecycle.claim(admission.chosen, now, lease_margin_us, claim_id, limited=True)
    starts = admission.started([job.id for job in claimed])
    return overlap.begun([job._replace(start=starts[job.id]) if job.id in starts else job for job in claimed], choice)


def _due(ids: Sequence[int], now: int) -> list[Due]:
    """Those of the jobs that wait and are due, in the order in which they were due."""
    these, params = any_of("id", ids)
    where = f"{these} AND {WAITING_SQL} AND scheduled_at <= %s"
    rows = fetch(f"SELECT {', '.join(Due._fields)} FROM job WHERE {where} ORDER BY scheduled_at, id", (params, now))
    return [Due(*row) for row in rows]
