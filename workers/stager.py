"""Owns the way from the table to the queue: which jobs are handed to the broker, when, and how often.

The table is the backlog. Of the jobs due now at most `bound` are in the queue, and of those due within the look-ahead
again as many; so a backlog can't delay what is due next, and nothing far can delay what is near. A job is marked in the
table before its message is published. What a message named and nobody claimed is published again only when it is
known to be lost: a probe sent behind it through the same queue has come back (`ticker.delivered_until`), so a backlog
that merely waits is never published again.
"""

import logging
from collections.abc import Iterator, Sequence

from dramatiq.errors import BrokerError

from models import clock, lifecycle
from models.database import change, fetch, transaction
from models.lifecycle import DueJob
from workers.broker import Actors

log = logging.getLogger("booper.stager")
JOBS_IN_A_MESSAGE = 100
JOBS_IN_A_ROUND = 1000
BUCKET_US = 5 * clock.MILLISECOND
PROBE_AFTER_US = 5 * clock.SECOND
LOST_AFTER_US = 10 * clock.SECOND  # longer than any message may be held on its way (delivery.HOLD_S)


class Stager:
    def __init__(self, actors: Actors, look_ahead_us: int, bound: int) -> None:
        self._actors = actors
        self._look_ahead_us = look_ahead_us
        self._bound = bound

    def stage_due(self, now: int) -> int:
        """Hand over what is due now and what will be within the look-ahead; returns how many jobs that were.

        Raises BrokerError when the broker takes nothing; what it did not take is in the table as before.
        """
        until = now + self._look_ahead_us
        found = lifecycle.due(0, until, JOBS_IN_A_ROUND)
        if not found:
            return 0
        due = [job.id for job in found if job.due_at <= now]
        early = [job.id for job in found if job.due_at > now]
        if len(due) == JOBS_IN_A_ROUND:  # a backlog must not hide what is due next
            early = [job.id for job in lifecycle.due(now + 1, until, JOBS_IN_A_ROUND)]
        return self._stage(due, 0, now, now) + self._stage(early, now + 1, until, now)

    def find_lost(self, now: int) -> int:
        """Bring back jobs whose message was lost on the way, and send a probe after those that wait long."""
        if not lifecycle.any_staged(now - PROBE_AFTER_US):
            return 0
        told = delivered_until()
        # An instant still to come was told before the clock was set back; it says nothing of what was staged since.
        lost = lifecycle.unstage_lost(told - LOST_AFTER_US) if told <= now else 0
        if lost:
            log.warning("%d jobs were named by a message that got lost; they are staged again", lost)
        self._actors.send_probe(now)
        return lost

    def _stage(self, ids: list[int], first: int, last: int, now: int) -> int:
        """Publish as many of the ids as the bound leaves room for, among those staged from `first` to `last`."""
        room = self._bound - lifecycle.staged_between(first, last, self._bound) if ids else 0
        if room <= 0:
            return 0
        jobs = lifecycle.stage(ids[:room], now)
        published = 0
        try:
            for group in groups(jobs, now):
                named = [(job.id, job.account_id, job.host) for job in group]
                self._actors.send_deliver(named, group[-1].due_at, now)
                published += len(group)
        except BrokerError:
            lifecycle.unstage([job.id for job in jobs[published:]])
            raise
        return published


def groups(jobs: Sequence[DueJob], now: int) -> Iterator[list[DueJob]]:
    """The jobs, soonest first, in groups that one message names: at most a hundred, all due now or due within 5 ms of
    one another."""
    group: list[DueJob] = []
    opened_at = 0
    for job in jobs:
        due_at = max(job.due_at, now)
        if group and (len(group) == JOBS_IN_A_MESSAGE or due_at - opened_at > BUCKET_US):
            yield group
            group = []
        if not group:
            opened_at = due_at
        group.append(job)
    if group:
        yield group


def delivered_until() -> int:
    """The instant before which every published message has left the queue, as far as the probes tell."""
    return fetch("SELECT delivered_until FROM ticker WHERE id = 1")[0][0]


def note_delivered(until: int) -> None:
    """A probe published at `until` has come through the queue."""
    with transaction():
        change("UPDATE ticker SET delivered_until = %s WHERE id = 1", (until,))
