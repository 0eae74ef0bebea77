"""Decides at the claim which jobs may pass their gates, and parks the others.

The claim locks the gates of its jobs in the order of their ids until its transaction ends. So claims of one gate take
turns, over all processes, and each sees what the one before has started. Nothing is counted that could drift: requests
under way are rows with a claim, and the starts of a rate are rows too.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from models.database.transactions import after_commit
from models.flows import gates, leaving, minutes, pacing, parking, revival, starts
from models.flows.gates import FAR, Gate
from models.rules.limits import FLOW
from models.rules.turns import CountedStart, next_starts, turn


class Candidate(NamedTuple):
    """A due job, the gates that it names, and the one at which it has waited until its turn.

    `sends`: whether it sends a request. One that makes other jobs waits for its gates to open, not for a turn: the
    jobs that it makes join them."""

    id: int
    flow_id: int | None
    lane_id: int | None
    parked_by: int | None = None
    sends: bool = True


def _with_gates(jobs: Sequence[Candidate]) -> tuple[Sequence[Candidate], dict[int, Gate]]:
    """The jobs, and the gates that they name, locked. Those that were forgotten are made again."""
    locked = gates.lock(named := _named(jobs))
    if len(locked) < len(named):
        revived = revival.revive([job.id for job in jobs], named - locked.keys())
        jobs = [
            job._replace(
                flow_id=revived.get(job.flow_id or 0, job.flow_id), lane_id=revived.get(job.lane_id or 0, job.lane_id)
            )
            for job in jobs
        ]
        locked = gates.lock(_named(jobs))
    return jobs, locked


def _named(jobs: Sequence[Candidate]) -> set[int]:
    return {gate_id for job in jobs for gate_id in (job.flow_id, job.lane_id) if gate_id is not None}


class Admission:
    """The look of one claim at the gates of its jobs, inside its transaction.

    `chosen` are the ids of the jobs that may pass, including those without a gate: their turns have come, or come
    within a moment, for which the sender waits. Call `started` with the ids of those that were really claimed."""

    def __init__(self, jobs: Sequence[Candidate], now: int) -> None:
        jobs, self._gates = _with_gates(jobs)
        most_of_one = max(Counter(job.flow_id for job in jobs if job.flow_id).values(), default=0)
        self._uses, self._now, self._ahead_us = pacing.uses(self._gates.values(), 2 * most_of_one + 1, now)
        self._in_turn = {job.id for job in jobs if job.flow_id is not None and job.parked_by == job.flow_id}
        self._flow_of = {job.id: job.flow_id for job in jobs if job.flow_id in self._gates and job.sends}
        self._line: dict[int, int] = {}  # the place of a job in the line of its flow
        self._parked: dict[int, list[int]] = {}
        through_lanes = [job.id for job in jobs if (self._passes_lane(job) if job.sends else self._is_let_make(job))]
        self._at_lanes = {job_id for ids in self._parked.values() for job_id in ids}
        self.chosen = self._through_flows(through_lanes)

    def started(self, ids: Collection[int]) -> dict[int, CountedStart]:
        """Count the starts of these jobs, park those that may not pass, and say when to look again. Returns the starts
        that a rate counts, with the instants on this host's clock."""
        begun: dict[int, list[int]] = {}
        for job_id in sorted(ids, key=lambda job_id: self._line.get(job_id, 0)):
            if flow_id := self._flow_of.get(job_id):
                begun.setdefault(flow_id, []).append(job_id)
        counted = self._count(begun)
        minutes.add(begun, self._now)
        parking.park(self._parked)
        flows = [gate for gate in self._gates.values() if gate.kind == FLOW]
        looks = {gate.id: self._next_look(gate, len(begun.get(gate.id, ())), set(ids)) for gate in flows}
        parking.wake_by({gate_id: at for gate_id, at in looks.items() if at is not None})
        unseen = [gate_id for gate_id in self._parked if looks.get(gate_id) is None]
        if unseen:
            after_commit(lambda: leaving.look_again(unseen))
        return counted

    def _count(self, begun: Mapping[int, Sequence[int]]) -> dict[int, CountedStart]:
        rated = [(self._gates[flow_id], of_flow) for flow_id, of_flow in begun.items() if self._gates[flow_id].rate]
        new = [
            (gate, dict(zip(of_flow, next_starts(self._uses[gate.id].pace, len(of_flow), self._now), strict=True)))
            for gate, of_flow in rated
        ]
        starts.add(new)
        return {
            job_id: CountedStart(number, at - self._ahead_us)
            for gate, of_flow in new
            for number, (job_id, at) in enumerate(of_flow.items(), gate.starts + 1)
        }

    def _passes_lane(self, job: Candidate) -> bool:
        """Whether it is the job's turn in its lane, if it has one."""
        lane = self._gates.get(job.lane_id or 0)
        if lane is None or (not lane.is_closed(self._now) and self._uses[lane.id].head == job.id):
            return True
        self._park(lane, job.id)
        return False

    def _is_let_make(self, job: Candidate) -> bool:
        """Whether the gates of a job that makes others are open."""
        for gate_id in (job.lane_id, job.flow_id):
            gate = self._gates.get(gate_id or 0)
            if gate is not None and gate.is_closed(self._now):
                self._park(gate, job.id)
                return False
        return True

    def _through_flows(self, ids: Sequence[int]) -> list[int]:
        wanted: dict[int | None, list[int]] = {}
        for job_id in ids:
            wanted.setdefault(self._flow_of.get(job_id), []).append(job_id)
        chosen = wanted.pop(None, [])
        for flow_id, of_flow in wanted.items():
            flow = self._gates[flow_id or 0]
            passing = self._next_of(flow, of_flow)
            chosen += [job_id for job_id in of_flow if job_id in passing]
            for job_id in of_flow:
                if job_id not in passing:
                    self._park(flow, job_id)
        return chosen

    def _next_of(self, flow: Gate, wanted: Sequence[int]) -> set[int]:
        """The jobs that may pass now. Those that were staged in their turn go first, since the ticker has counted who
        goes before them. Then come those that are still parked: no other job overtakes them."""
        if flow.is_closed(self._now):
            return set()
        use = self._uses[flow.id]
        in_turn = [job_id for job_id in wanted if job_id in self._in_turn]
        waiting = [job_id for job_id in use.parked if job_id not in self._at_lanes and job_id not in in_turn]
        line = [*in_turn, *waiting, *(job_id for job_id in wanted if job_id not in self._in_turn)]
        self._line |= {job_id: place for place, job_id in enumerate(line)}
        return set(line[: len(next_starts(use.pace, len(line), self._now))])

    def _park(self, gate: Gate, job_id: int) -> None:
        self._parked.setdefault(gate.id, []).append(job_id)

    def _next_look(self, flow: Gate, started: int, claimed: Collection[int]) -> int | None:
        """When the ticker has to look for the next parked job that no message names; None: somebody wakes the gate."""
        use, parked_now = self._uses[flow.id], self._parked.get(flow.id, [])
        left = [job_id for job_id in use.parked if job_id not in claimed and job_id not in self._at_lanes]
        named = [job_id for job_id in left if job_id in use.staged and job_id not in parked_now]
        unnamed = [*parked_now, *(job_id for job_id in left if job_id not in use.staged)]
        if not unnamed:
            return None
        if flow.is_closed(self._now):
            return None if flow.closed_until == FAR else flow.closed_until
        return turn(use.pace, started + len(named), self._now)
