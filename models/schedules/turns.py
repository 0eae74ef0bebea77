"""Decides whose turn it is among the due jobs of one schedule: which begin, wait, or are skipped. Pure.

A job is behind when a later instant of its schedule has come. Jobs that are behind begin one after another, whatever
`overlap` says, so that what an outage left does not arrive at once. A job that is not behind goes before them, and is
not skipped for the sake of one that is.

Jobs of one lane do not wait here for one another. Their lane lets them through one after another, in its own order.
"""

from collections.abc import Sequence
from typing import NamedTuple

from models.rules import clock, recurrence
from models.schedules.policies import ALLOW, QUEUE_ONE
from models.schedules.ready_jobs import ReadyJob

PUNCTUAL_US = 2 * clock.SECOND  # jobs that are less late than this are not behind


class UnderWay(NamedTuple):
    """A job of the schedule whose request is under way. `lane_id`: None also of a cancelled job, for which its lane
    does not wait."""

    schedule_id: str
    fire_at: int
    attempt: int
    attempted_at: int
    lane_id: int | None


class Rhythm(NamedTuple):
    """What a schedule's instants are computed from, and how long after them its jobs are due."""

    frequency: str
    offset_us: int
    calendar_days: str | None = None

    def is_behind(self, fire_at: int, at: int) -> bool:
        """Whether a later instant had come when the job of this one began, or could begin."""
        if at - fire_at - self.offset_us <= PUNCTUAL_US:
            return False
        try:
            frequency = recurrence.frequency_of(self.frequency, self.calendar_days)
            following = recurrence.next_after(frequency, fire_at)
        except (KeyError, ValueError):  # the zone is gone: the planner disables such a schedule
            return False
        return following is not None and following + self.offset_us <= at

    def in_turn(self, jobs: Sequence[ReadyJob], now: int) -> list[ReadyJob]:
        """The jobs in the order of their turns: retries and jobs that are not behind first, then by instant."""
        if len(jobs) < 2:
            return list(jobs)
        return sorted(jobs, key=lambda job: (job.is_new and self.is_behind(job.fire_at, now), job.fire_at, job.id))


class Turns(NamedTuple):
    """What is to become of the due jobs of a schedule."""

    begin: list[ReadyJob]
    wait: list[int]
    skip: list[int]


def overlaps(job: ReadyJob, under_way: Sequence[UnderWay], offset_us: int) -> bool:
    """Whether a new job came due while another was executing. A job that was made too late did not: it waits."""
    due_at = job.due_at(offset_us)
    is_made_in_time = job.inserted_at <= job.fire_at + offset_us
    return job.is_new and is_made_in_time and any(other.attempted_at < due_at for other in under_way)


def turns_of(
    jobs: Sequence[ReadyJob],
    under_way: Sequence[UnderWay],
    queued: Sequence[int],
    overlap: str,
    rhythm: Rhythm,
    now: int,
) -> Turns:
    """The turns of a schedule's due jobs. `queued`: those of its waiting jobs that overlap, oldest first; the first one
    may wait where one may."""
    if overlap == ALLOW:
        return _all_but_those_behind(jobs, under_way, rhythm, now)
    turns = Turns([], [], [])
    ordered = rhythm.in_turn(jobs, now)
    if not under_way and ordered:
        turns.begin.append(ordered.pop(0))
    may_wait = overlap == QUEUE_ONE or all(_is_behind(other, rhythm) for other in under_way)
    for job in ordered:
        skipped = overlaps(job, under_way, rhythm.offset_us) and not (may_wait and job.id == next(iter(queued), None))
        if not skipped and _shares_a_lane(job, [*under_way, *turns.begin]):
            turns.begin.append(job)
        else:
            (turns.skip if skipped else turns.wait).append(job.id)
    return turns


def _shares_a_lane(job: ReadyJob, others: Sequence[UnderWay | ReadyJob]) -> bool:
    return job.lane_id is not None and all(other.lane_id == job.lane_id for other in others)


def _all_but_those_behind(jobs: Sequence[ReadyJob], under_way: Sequence[UnderWay], rhythm: Rhythm, now: int) -> Turns:
    turns = Turns([], [], [])
    is_taken = any(_is_behind(other, rhythm) for other in under_way)
    for job in rhythm.in_turn(jobs, now):
        if job.is_new and rhythm.is_behind(job.fire_at, now):
            waits = is_taken and not _shares_a_lane(job, [*under_way, *turns.begin])
            (turns.wait.append(job.id) if waits else turns.begin.append(job))
            is_taken = True
        else:
            turns.begin.append(job)
    return turns


def _is_behind(job: UnderWay, rhythm: Rhythm) -> bool:
    """A retry is no job of the past: it has waited for its time."""
    return job.attempt == 1 and rhythm.is_behind(job.fire_at, job.attempted_at)
