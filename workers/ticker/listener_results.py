"""Ends the attempts of requests that listeners have answered, and of those whose time is over.

What follows is what follows from any outcome: it is recorded, and counts in the figures of its minute. A host that
fails often is left alone; a listener is not, since it belongs to the one who waits for it.
"""

import json
from collections.abc import Sequence

from models.database.transactions import transaction, wait_briefly_for_locks
from models.jobs.lifecycle import ClaimedJob
from models.operations.listening import listener_store, open_requests
from models.operations.listening.open_requests import ERRORS, Ended
from models.rules.clock import MILLISECOND
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.last_look import withdraw_cancelled
from workers.delivery.listening.listener_record import record_and_count
from workers.transport.content_codings import unpacked
from workers.transport.outcome import Answered, Outcome, Timings, Unreachable
from workers.transport.wire_format import Request


class ListenerResults:
    """`kept_bytes`: how much of a body is kept; `longest_us`: for how long an answer may put the next attempt off."""

    def __init__(self, kept_bytes: int, longest_us: int) -> None:
        self._kept_bytes, self._longest_us = kept_bytes, longest_us

    def end(self, now: int) -> int:
        """End the attempts that are over; returns how many."""
        if not open_requests.any_over(now):
            return 0
        _withdraw(now)
        with transaction():
            wait_briefly_for_locks()
            ended = open_requests.lock_over(now)
            results = [self._result(each, each.job, now) for each in ended if each.job is not None]
            if ended:
                open_requests.end([each.uuid for each in ended], now)
            if results:
                record_and_count(results, ConfigCache(), self._longest_us)
        return len(results)

    def _result(self, ended: Ended, job: ClaimedJob, now: int) -> Result:
        sent = json.loads(ended.request)
        request = Request(sent["method"], sent["url"], sent["headers"], ended.body, job.timeout_ms)
        finished_at = ended.answered_at or now
        return Result(job, request, self._outcome(ended, job, finished_at), finished_at)

    def _outcome(self, ended: Ended, job: ClaimedJob, finished_at: int) -> Outcome:
        timings = Timings(total_ms=(finished_at - job.attempted_at) / MILLISECOND)
        if ended.answer is None:
            return _unanswered(ended, timings)
        answer = json.loads(ended.answer)
        if answer.get("error"):
            return Unreachable(ERRORS[answer["error"]], "as the listener says", timings, answer["error"])
        headers = [(name, value) for name, value in answer["headers"]]
        body = (ended.answer_body or b"")[: self._kept_bytes]
        is_cut = answer["truncated"] or len(ended.answer_body or b"") > self._kept_bytes
        return unpacked(Answered(answer["status"], headers, bytes(body), is_cut, timings), self._kept_bytes)


def prune(now: int) -> None:
    """Delete what nobody asks for any more: ended requests, and listeners that have been away for a week."""
    open_requests.prune(now)
    listener_store.prune(now)


def _withdraw(now: int) -> None:
    """End the claims on jobs that were cancelled before a listener took their requests, as if never attempted."""
    with transaction():
        wait_briefly_for_locks()
        withdrawn = open_requests.lock_withdrawn()
        if withdrawn:
            _end_claims(withdrawn, now)


def _end_claims(withdrawn: Sequence[tuple[str, ClaimedJob]], now: int) -> None:
    open_requests.end([uuid for uuid, _ in withdrawn], now)
    withdraw_cancelled([job for _, job in withdrawn])


def _unanswered(ended: Ended, timings: Timings) -> Unreachable:
    if ended.taken_at is None:
        return Unreachable("listener_away", "no listener took the request in time", timings)
    return Unreachable("timeout", "the listener that took the request did not answer in time", timings)
