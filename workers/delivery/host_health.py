"""Tells the gates of hosts and flows what attempts show: a target asks for rest, fails again, or works again.

Called by the recorder's thread after its commit. Hosts that work cost nothing: which hosts fail is read at most once a
second. A crash before the call loses a count, and no job.
"""

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.transactions import transaction
from models.flows import breakers, closing, gates
from models.flows.breakers import HostName
from models.flows.gates import Gate
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from models.rules.limits import HOST
from models.webhooks import host_events
from models.webhooks.event_types import HOST_FAILING, HOST_RECOVERED
from workers.delivery.attempt_records import Result
from workers.delivery.judge import LONGEST_REST_US, is_success, rest_us
from workers.transport.outcome import Answered, Refused

log = logging.getLogger("booper.hosts")
LOOK_EVERY_S = 1.0
TOO_MANY = 429


class HostHealth:
    """`most`: so many failures in a row close the gate of a host; 0: never. `longest_us`: for how long a target may
    put jobs off. Used by one thread."""

    def __init__(self, most: int = 0, longest_us: int = LONGEST_REST_US) -> None:
        self._most, self._longest_us = most, longest_us
        self._failing: set[HostName] = set()
        self._looked_at_s = float("-inf")

    def note(self, results: Iterable[Result]) -> None:
        """Note what these attempts show. Raises nothing."""
        seen = [result for result in results if not isinstance(result.outcome, Refused)]
        failed = [result for result in seen if shows_failure(result)]
        try:
            if failed:
                self._note_rests(failed)
            if self._most:
                self._note_failures(seen, failed)
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): the outcomes of %d requests are not counted", error, len(seen))

    def _note_rests(self, results: list[Result]) -> None:
        """The longest rest that each host or flow was asked for holds it back."""
        now = clock.now()
        until: dict[int | HostName, int] = {}
        for result in results:
            if rest := rest_us(result.outcome, now, self._longest_us):
                where = result.job.flow_id or _host_of(result)
                until[where] = max(until.get(where, 0), now + rest)
        for where, at in until.items():
            if isinstance(where, HostName):
                where = gates.ensure(where.account_id, HOST, where.host, now).id
            closing.rest(where, at, now)

    def _note_failures(self, results: list[Result], failed: list[Result]) -> None:
        self._look()
        if not failed and not self._failing:
            return
        now = clock.now()
        worked = {_host_of(result): result.job for result in results if not shows_failure(result)}
        for name in sorted(worked.keys() & self._failing):
            self._failing.discard(name)
            if _changed(HOST_RECOVERED, partial(breakers.worked, name, now), worked[name], now):
                log.info("host %s works again: its jobs go out", name.host)
        jobs: dict[HostName, list[ClaimedJob]] = {}
        for result in failed:
            if (name := _host_of(result)) not in worked:
                jobs.setdefault(name, []).append(result.job)
        self._failing |= jobs.keys()
        for name in sorted(jobs):
            change = partial(breakers.failed, name, len(jobs[name]), self._most, now)
            if gate := _changed(HOST_FAILING, change, jobs[name][-1], now):
                log.warning("host %s failed %d times in a row: only probes go out", name.host, gate.failures)

    def _look(self) -> None:
        if time.monotonic() - self._looked_at_s >= LOOK_EVERY_S:
            self._failing = breakers.failing()
            self._looked_at_s = time.monotonic()


def shows_failure(result: Result) -> bool:
    """Whether the target did not answer, or answered that it can't serve now; what the job's owner counts as success
    shows none."""
    outcome = result.outcome
    if not isinstance(outcome, Answered):
        return True
    return (outcome.status_code >= 500 or outcome.status_code == TOO_MANY) and not is_success(outcome, result.job)


def _changed(event_type: str, change: Callable[[], Gate | None], job: ClaimedJob, now: int) -> Gate | None:
    """The gate that the change closed or opened, if it did. Its account is told in the same transaction."""
    with transaction():
        gate = change()
        if gate:
            host_events.add(event_type, gate, job, now)
    return gate


def _host_of(result: Result) -> HostName:
    return HostName(result.job.account_id, result.job.host)
