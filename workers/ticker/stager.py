"""Owns the way from the table to the queue: which jobs are handed to the broker, when, and how often.

The table is the backlog. Of the jobs due now at most `bound` are in the queue, and as many more of those due just now
or within the look-ahead; so a backlog can't delay what is due next, and nothing far can delay what is near. A job is
marked in the table before its message is published. What a message named and nobody claimed is published again only
when it is known to be lost: a probe sent behind it through the same queue has come back (`ticker.delivered_until`), so
a backlog that merely waits is never published again.
"""

import logging
from collections.abc import Iterator, Sequence

from models.database.sql import execute, fetch
from models.database.transactions import transaction
from models.jobs import staging
from models.jobs.staging import DueJob
from models.rules import clock
from workers.queue.actors import Actors, BrokerError

log = logging.getLogger("booper.stager")
JOBS_IN_A_MESSAGE = 100
JOBS_IN_A_ROUND = 1000
BUCKET_US = 5 * clock.MILLISECOND
FOLLOW_UPS_US = 100 * clock.MILLISECOND  # so long they gather, since nobody has ordered them for an instant
JUST_NOW_US = 2 * clock.SECOND  # longer than a round takes: what falls due between two is no part of the backlog
PROBE_AFTER_US = 5 * clock.SECOND
EVERY_MARK = 2**62
LOST_AFTER_US = 10 * clock.SECOND  # longer than any message may be held on its way (delivery.HOLD_S)


class Stager:
    def __init__(self, actors: Actors, look_ahead_us: int, bound: int) -> None:
        self._actors = actors
        self._look_ahead_us = look_ahead_us
        self._bound = bound
        self._follow_ups_at = 0  # when some were last handed over

    def stage_due(self, now: int) -> int:
        """Hand over what is due now and what will be within the look-ahead; returns how many jobs that were.

        Raises BrokerError when the broker takes nothing; what it did not take is in the table as before.
        """
        until = now + self._look_ahead_us
        if not staging.due(0, until, 1):
            return 0
        let_gather = 0 <= now - self._follow_ups_at < FOLLOW_UPS_US
        # Each has its own room, so that a backlog can't hide what is due next.
        due = self._stage(0, now, self._room(now, self._bound), now, let_gather)
        soon = self._stage(now - JUST_NOW_US, until, self._room(until, 2 * self._bound), now, let_gather)
        return due + soon

    def find_lost(self, now: int) -> int:
        """Bring back jobs whose message was lost on the way, and send a probe after those that wait long."""
        if not staging.any_staged(now - PROBE_AFTER_US):
            return 0
        told = delivered_until()
        # An instant still to come was told before the clock was set back; it says nothing of what was staged since.
        lost = staging.unstage_lost(told - LOST_AFTER_US) if told <= now else 0
        if lost:
            log.warning("%d jobs were named by a message that got lost; they are staged again", lost)
        self._actors.send_probe(now)
        return lost

    def forget(self) -> int:
        """Take every job for named by no message; returns how many were thought to be. For whoever takes the lead: the
        leader before may have died after it marked jobs and before it published them. What is published twice so is
        bounded, and the claim absorbs it."""
        return staging.unstage_lost(EVERY_MARK)

    def _room(self, until: int, bound: int) -> int:
        """How many jobs more may be named in this round when messages may name so many that are due by an instant."""
        return min(bound - staging.staged_between(0, until, bound), JOBS_IN_A_ROUND)

    def _stage(self, first: int, last: int, room: int, now: int, let_gather: bool) -> int:
        """Publish at most `room` jobs due from `first` to `last`; `let_gather`: no follow-ups, but for those that would
        stand before requests."""
        found = staging.due(first, last, room) if room > 0 else []
        if let_gather and len(found) < room:
            found = [job for job in found if not job.ref.is_follow_up]
        return self._publish(found, now) if found else 0

    def _publish(self, found: Sequence[DueJob], now: int) -> int:
        jobs = staging.stage([job.id for job in found], now)
        jobs.sort(key=lambda job: job.ref.is_follow_up)  # which no message names beside requests
        if jobs and jobs[-1].ref.is_follow_up:
            self._follow_ups_at = now
        published = 0
        try:
            for group in groups(jobs, now):
                self._actors.send_deliver([job.ref for job in group], group[-1].due_at, now)
                published += len(group)
        except BrokerError:
            staging.unstage([job.id for job in jobs[published:]])
            raise
        return published


def groups(jobs: Sequence[DueJob], now: int) -> Iterator[list[DueJob]]:
    """The jobs, requests before follow-ups and then soonest first, in groups that one message names: at most a hundred,
    of one sort, all due now or due within 5 ms of one another (follow-ups: 100 ms)."""
    group: list[DueJob] = []
    for job in jobs:
        if group and not (len(group) < JOBS_IN_A_MESSAGE and go_together(group[0], job, now)):
            yield group
            group = []
        group.append(job)
    if group:
        yield group


def go_together(first: DueJob, job: DueJob, now: int) -> bool:
    """Whether a message that names the one may name the other, which is not due before it."""
    if first.ref.is_follow_up != job.ref.is_follow_up:
        return False
    bucket_us = FOLLOW_UPS_US if job.ref.is_follow_up else BUCKET_US
    return max(job.due_at, now) - max(first.due_at, now) <= bucket_us


def delivered_until() -> int:
    """The instant before which every published message has left the queue, as far as the probes tell."""
    return fetch("SELECT delivered_until FROM ticker WHERE id = 1")[0][0]


def record_delivered(until: int) -> None:
    """A probe published at `until` has come through the queue."""
    with transaction():
        execute("UPDATE ticker SET delivered_until = %s WHERE id = 1", (until,))
