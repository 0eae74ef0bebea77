"""Hands due jobs to the broker: decides which jobs, when, and how often.

The table is the backlog. Of the jobs due now at most `bound` are in the queue, and as many more of those due just now
or within the look-ahead. So a backlog can't delay what is due next, and nothing far can delay what is near. A job is
marked in the table before its message is published. A job that nobody claimed is published again only when its message
is known to be lost: a probe sent behind the message through the same queue has arrived (`ticker.delivered_until`). So a
backlog that merely waits is never published again.
"""

import logging
from collections.abc import Iterator, Sequence

from models.database.transactions import transaction
from models.flows import full_flows, parking
from models.jobs import staging
from models.jobs.staging import DueJob
from models.operations import ticker_row
from models.rules import clock
from workers.queue.actors import Actors, BrokerError
from workers.ticker.front import Front

log = logging.getLogger("booper.stager")
JOBS_IN_A_MESSAGE = 100
JOBS_IN_A_ROUND = 1000
BUCKET_US = 5 * clock.MILLISECOND
FOLLOW_UPS_US = 100 * clock.MILLISECOND  # follow-ups gather for so long: no client asked for an instant
JUST_NOW_US = 2 * clock.SECOND  # longer than a round: a job that falls due between two rounds is not of the backlog
PROBE_AFTER_US = 5 * clock.SECOND
EVERY_MARK = 2**62
LOST_AFTER_US = 10 * clock.SECOND  # longer than any message may be held on its way (delivery.HOLD_S)


class Stager:
    def __init__(self, actors: Actors, look_ahead_us: int, bound: int) -> None:
        self._actors = actors
        self._look_ahead_us = look_ahead_us
        self._bound = bound
        self._follow_ups_at = 0  # when follow-ups were last published
        self._due, self._marks, self._gates = Front(), Front(), Front()
        self._named_parked = 0  # parked jobs that messages name, up to the look-ahead
        self._unpublished: set[int] = set()  # jobs whose marks may be stored although no message names them

    def stage_due(self, now: int) -> int:
        """Hand over what is due now and within the look-ahead; returns how many jobs that were.

        Raises BrokerError when the broker takes nothing; the table then still has what the broker did not take.
        """
        self._unstage_unpublished()
        until = now + self._look_ahead_us
        awake = self._gates.search(now, lambda begin: parking.first_awake(begin, until))
        if awake is not None or self._named_parked:
            self._named_parked = staging.parked_staged(self._marks.begins_at(now), until, self._bound)
        passing = 0 if awake is None else self._stage_parked(now, until, awake)
        first = self._due.search(now, lambda begin: staging.first_due(begin, until))
        if first is None:
            return passing
        gather = 0 <= now - self._follow_ups_at < FOLLOW_UPS_US
        # Each has its own room, so that a backlog can't hide what is due next. So have parked jobs, named above.
        due = self._stage(first, now, self._bound, now, gather) if first <= now else 0
        # Behind an old backlog nothing may be due soon. To look for that costs less than to count the marked jobs.
        soon_from = first if first >= now - JUST_NOW_US else staging.first_due(now - JUST_NOW_US, until)
        if soon_from is None:
            return passing + due
        soon_bound = 2 * self._bound + self._named_parked
        return passing + due + self._stage(soon_from, until, soon_bound, now, gather)

    def look_everywhere(self) -> None:
        """Search for due jobs from the beginning: some have come back."""
        self._due.forget()

    def find_lost(self, now: int) -> int:
        """Unmark jobs whose message was lost, and send a probe if some have waited long; returns how many were lost."""
        first = self._marks.search(now, staging.first_staged)
        if first is None or first >= now - PROBE_AFTER_US:
            return 0
        until = ticker_row.delivered_until()
        # If it lies ahead, the clock was set back since; then it says nothing about what was staged later.
        lost = staging.unstage_lost(until - LOST_AFTER_US, first) if until <= now else 0
        if lost:
            self.look_everywhere()
            log.warning("%d jobs were named by a message that got lost; they are staged again", lost)
        self._actors.send_probe(now)
        return lost

    def clear_marks(self) -> int:
        """Unmark every job, for a new leader; returns how many were marked. The leader before may have died after it
        marked jobs and before it published them. The number of jobs published twice is bounded, and the claim absorbs
        them."""
        self._marks.forget()
        self._gates.forget()
        self.look_everywhere()
        return staging.unstage_lost(EVERY_MARK)

    def backlog(self, now: int, limit: int) -> tuple[int, int]:
        """See `staging.backlog`."""
        return staging.backlog(now, limit, self._due.begins_at(now), self._marks.begins_at(now))

    def _room(self, until: int, bound: int, now: int) -> int:
        """How many more jobs this round may publish, if at most `bound` that are due by `until` may be in the queue."""
        return min(bound - staging.staged_between(self._marks.begins_at(now), until, bound), JOBS_IN_A_ROUND)

    def _stage(self, first: int, last: int, bound: int, now: int, gather: bool) -> int:
        """Publish jobs due from `first` to `last`, as far as there is room. `gather`: leave follow-ups, unless they
        take up the room of requests."""
        room = self._room(last, bound, now)
        if room <= 0:
            return 0
        requests_only = gather and len(staging.due(first, last, room)) < room
        with transaction():
            jobs = staging.stage(now, first, last, room, requests_only)
            # Before the commit: if its answer is lost, nobody else knows which marks it stored.
            self._unpublished.update(job.id for job in jobs)
            parked = full_flows.park_unnamed([job for job in jobs if job.due_at <= now], now)
        self._unpublished -= parked
        return len(parked) + self._publish([job for job in jobs if job.id not in parked], now)

    def _stage_parked(self, now: int, until: int, first: int) -> int:
        """Publish the parked jobs that may pass their gates by then, as far as there is room."""
        room = min(self._bound - self._named_parked, JOBS_IN_A_ROUND)
        if room <= 0:
            return 0
        with transaction():
            jobs = parking.stage_next(now, until, first, room)
            self._unpublished.update(job.id for job in jobs)
        self._named_parked += len(jobs)
        return self._publish(jobs, now)

    def _publish(self, jobs: list[DueJob], now: int) -> int:
        jobs.sort(key=lambda job: job.is_follow_up)  # no message names both kinds
        if jobs and jobs[-1].is_follow_up:
            self._follow_ups_at = now
        try:
            for group in groups(jobs, now):
                self._actors.send_deliver([job.ref for job in group], group[-1].due_at, now)
                self._unpublished.difference_update(job.id for job in group)
        except BrokerError:
            self._unstage_unpublished()
            raise
        return len(jobs)

    def _unstage_unpublished(self) -> None:
        if self._unpublished:
            self._unpublished = set(staging.unstage_unpublished(sorted(self._unpublished)))
            self.look_everywhere()


def groups(jobs: Sequence[DueJob], now: int) -> Iterator[list[DueJob]]:
    """The jobs in groups, one for each message. A group has at most a hundred jobs, either requests or follow-ups, all
    due now or within 5 ms of one another (follow-ups: 100 ms). `jobs`: requests first, then soonest first."""
    group: list[DueJob] = []
    for job in jobs:
        if group and not (len(group) < JOBS_IN_A_MESSAGE and go_together(group[0], job, now)):
            yield group
            group = []
        group.append(job)
    if group:
        yield group


def go_together(first: DueJob, job: DueJob, now: int) -> bool:
    """Whether one message may name both. `job` is not due before `first`."""
    if first.is_follow_up != job.is_follow_up:
        return False
    bucket_us = FOLLOW_UPS_US if job.is_follow_up else BUCKET_US
    return max(job.due_at, now) - max(first.due_at, now) <= bucket_us
