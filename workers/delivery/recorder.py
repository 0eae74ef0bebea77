"""Owns the writing down of outcomes: verdict, transition, attempt and log entries in one transaction for many jobs.

Senders put results in a queue; one thread takes up to `GROUP` that lie there and records them together. While one
transaction commits, the next results gather, so groups grow with the load and nobody waits for a timer. Long answers
take longer to write down than to get: who claims waits until few results wait here (`keeps_up`). Safe against a claim
that was rescued meanwhile: the transition is fenced, and only what was still held is recorded. While the database is
gone the results are kept and tried again, beside those that come; should the process die first, the leases bring the
jobs back. A row that another session has locked keeps back its own result alone.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection
from models.database.transactions import transaction, wait_briefly_for_locks
from models.jobs import lifecycle, records
from models.rules import clock
from models.webhooks import event_order
from runtime import logs, metrics
from workers.delivery import attempt_records, job_events, schedule_results
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.heartbeat import Recorded
from workers.delivery.judge import Complete, Discard, Retry, Verdict, judge

log = logging.getLogger("booper.recorder")
GROUP = 200
WAIT_FOR_DATABASE_S = 1.0
PAUSE_TIMES = 4  # of what a try took that failed although others succeed
WAITING = 1000  # results, each with an answer of up to 64 KiB and a lease that runs


class Judged(NamedTuple):
    result: Result
    verdict: Verdict


class Recorder:
    """One thread that records, and tells `count` what it recorded; `start`, `put`, then `stop`, which returns when all
    that was put is recorded."""

    def __init__(
        self, count: Callable[[Iterable[Recorded]], None] = lambda _: None, remembered: ConfigCache | None = None
    ) -> None:
        self._count = count
        self._remembered = remembered or ConfigCache()
        self._results: deque[Result] = deque()
        self._arrived = threading.Event()
        self._is_stopping = False
        self._kept: list[list[Result]] = []  # what could not be written so far
        self._well = True  # whether something was written since the last failure
        self._again_s = 0.0
        self._gave_up = threading.Event()
        self._fewer = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, results: Iterable[Result]) -> None:
        self._results.extend(results)
        self._arrived.set()

    def keeps_up(self, timeout_s: float) -> bool:
        """Wait until few results wait to be recorded; False if that takes too long."""
        if self._few():
            return True
        with self._fewer:
            return self._fewer.wait_for(self._few, timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Record what is left, for at most `timeout_s` seconds."""
        self._is_stopping = True
        self._arrived.set()
        self._thread.join(timeout_s)
        self._gave_up.set()

    def _work(self) -> None:
        while self._has_more() and not self._gave_up.is_set():
            self._await_results()
            group = [self._results.popleft() for _ in range(min(GROUP, len(self._results)))]
            if group:
                self._record(group)
            while self._kept and time.monotonic() >= self._again_s:
                self._record(self._kept.pop(0))
            with self._fewer:
                self._fewer.notify_all()

    def _has_more(self) -> bool:
        return not self._is_stopping or bool(self._results or self._kept)

    def _await_results(self) -> None:
        """Wait until results lie there, or until it is time to try again what is kept."""
        if self._results:
            return
        (self._gave_up if self._is_stopping else self._arrived).wait(self._until_again_s())
        self._arrived.clear()

    def _few(self) -> bool:
        return len(self._results) + sum(map(len, self._kept)) < WAITING

    def _record(self, group: list[Result]) -> None:
        """Record the group, or keep it, to be tried again after a pause: one by one if it is not the database that
        keeps it from being written."""
        began_s = time.monotonic()
        if self._try(group):
            self._well = True
            return
        self._kept += [[result] for result in group] if self._well else [group]
        took_s, pause_s = time.monotonic() - began_s, WAIT_FOR_DATABASE_S
        self._again_s = began_s + took_s + (max(pause_s, PAUSE_TIMES * took_s) if self._well else pause_s)
        self._well = False

    def _until_again_s(self) -> float | None:
        """How long to wait for the next result, in seconds; None: for ever."""
        return max(0.0, self._again_s - time.monotonic()) if self._kept else None

    def _try(self, group: list[Result]) -> bool:
        """Whether the group is done with: recorded, or given up for a reason that waiting won't mend."""
        try:
            with connection():
                self._count([recorded_of(one) for one in record(group, self._remembered)])
        except DatabaseUnreachable as error:
            log.warning("database not usable (%s): %d results kept, next try soon", error, len(group))
            return False
        except Exception:
            log.exception("recording failed for jobs %s", [result.job.id for result in group][:20])
            if len(group) > 1:
                return all([self._try([result]) for result in group])
        return True


def record(group: list[Result], remembered: ConfigCache | None = None) -> list[Judged]:
    """Record the results in one transaction; returns those that were. Those no longer held by their claim leave no
    trace but a log line."""
    now, remembered = clock.now(), remembered or ConfigCache()
    remembered.refresh({result.job.account_id for result in group})
    judged = [Judged(result, _verdict(result)) for result in group]
    with transaction():
        wait_briefly_for_locks()
        held = _change_states(judged, now)
        kept = [one for one in judged if one.result.job.id in held]
        records.add_attempts([attempt_records.attempt_row(one.result, one.verdict) for one in kept])
        records.add_log_entries([row for one in kept for row in attempt_records.log_rows(one.result, one.verdict)])
        schedule_results.remember(kept, now)
        waiting = job_events.add_of_results(kept, remembered, now)
    event_order.release_next_events(waiting)
    metrics.count_attempts(attempt_records.measured(one.result) for one in kept)
    with logs.together():
        for one in judged:
            attempt_records.log_attempt(one.result, one.verdict, one.result.job.id in held)
    return kept


def recorded_of(judged: Judged) -> Recorded:
    """What the statistics count of an attempt."""
    job = judged.result.job
    lateness_us = job.attempted_at - job.scheduled_at
    return Recorded(job.account_id, job.attempted_at, lateness_us, isinstance(judged.verdict, Complete))


def _verdict(result: Result) -> Verdict:
    return judge(result.outcome, result.job, result.finished_at, random.random())


def _change_states(judged: list[Judged], now: int) -> set[int]:
    """The ids whose attempt counts: those that changed state, and those cancelled while it was under way."""
    held = lifecycle.complete([one.result.job for one in judged if isinstance(one.verdict, Complete)], now)
    held |= lifecycle.discard([one.result.job for one in judged if isinstance(one.verdict, Discard)], now)
    held |= lifecycle.retry([(one.result.job, one.verdict.next_at) for one in judged if isinstance(one.verdict, Retry)])
    return held | lifecycle.close_cancelled_claims([one.result.job for one in judged if one.result.job.id not in held])
