"""Counts starts anew whose requests go out later than they were counted: else the target would see them beside requests
of a later window.

A request that is very late is counted anew before it goes out, and one that is a little late as soon as it has gone.
That is in time: the row of a start is read when the start is as old as its window is long.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import NamedTuple

from models.database.transactions import transaction, wait_briefly_for_locks
from models.flows import gates, pacing, parking, starts
from models.flows.starts import JobStart
from models.jobs import lifecycle
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from models.rules.turns import next_starts

LEAVES_IN_US = 30 * clock.MILLISECOND  # after its start was counted anew; a process may die before it can correct it


class SentJob(NamedTuple):
    """A job whose request went out later than its start was counted, and when, on this host's clock."""

    job: ClaimedJob
    sent_at: int


def correct(sent: Sequence[SentJob]) -> set[int]:
    """Move the starts of these jobs to the instants at which their requests went out; returns the ids of those that
    were moved."""
    with transaction():
        wait_briefly_for_locks()
        ahead_us = pacing.read_clock().ahead_us
        moves = [(_start_of(each.job), each.sent_at + ahead_us) for each in sent]
        return starts.move(moves, "gate_start.started_at < input.at")


def count_anew(jobs: Sequence[ClaimedJob]) -> set[int]:
    """Count the starts of these jobs for `LEAVES_IN_US` from now, as their requests are about to go out. Park those
    whose flow has had its starts meanwhile, as if nothing had been attempted. Returns the ids of those, and of jobs
    that the caller holds no longer: they were parked before, and it did not hear of the commit, or they were rescued.
    """
    with transaction():
        wait_briefly_for_locks()
        held_ids = lifecycle.held_of(jobs)
        held = [job for job in jobs if job.id in held_ids]
        leaves_at = pacing.read_clock().read_at + LEAVES_IN_US
        # As long as half of its window is left, the next start waits for this one: nobody has to be locked out.
        moves = [(_start_of(job), leaves_at) for job in held]
        moved = starts.move(moves, "gate_start.started_at > input.at - gate.per_us / 2")
        refused = _count_again([_start_of(job) for job in held if job.id not in moved])
        _park([job for job in held if job.id in refused])
    return refused | ({job.id for job in jobs} - held_ids)


def _start_of(job: ClaimedJob) -> JobStart:
    return JobStart(job.id, job.flow_id or 0, job.start.number if job.start else 0)


def _count_again(late: Sequence[JobStart]) -> set[int]:
    """Count these starts once more, since others may have taken their places; returns the ids of the jobs for which
    there is no room."""
    rated = {gate.id: gate for gate in gates.lock({each.flow_id for each in late}).values() if gate.rate}
    leaves_at = pacing.read_clock().read_at + LEAVES_IN_US
    moved = starts.move([(each, leaves_at) for each in late], "gate_start.number > gate.starts - gate.rate")
    left: dict[int, list[int]] = {}
    for each in late:
        if each.flow_id in rated and each.job_id not in moved:
            left.setdefault(each.flow_id, []).append(each.job_id)
    uses = pacing.uses([rated[flow_id] for flow_id in left], len(late), clock.now())
    refused: set[int] = set()
    for flow_id, ids in left.items():
        pace = replace(uses.of[flow_id].pace, room=None)  # they are under way already
        turns = next_starts(pace, len(ids), uses.read_at)
        count = len(list(takewhile(lambda at: at <= uses.read_at, turns)))  # numbers have no gaps
        starts.add([(rated[flow_id], dict.fromkeys(ids[:count], uses.read_at + LEAVES_IN_US))])
        refused.update(ids[count:])
    return refused


def _park(jobs: Sequence[ClaimedJob]) -> None:
    released = lifecycle.release(jobs)
    by_flow: dict[int, list[int]] = {}
    for job in jobs:
        if job.id in released:
            by_flow.setdefault(job.flow_id or 0, []).append(job.id)
    parking.park(by_flow)
    parking.wake_by(dict.fromkeys(by_flow, clock.now()))
