"""Records outcomes: verdict, transition, attempt and log entries of many jobs in one transaction.

Senders put results in a queue. One thread takes up to GROUP of them and records them together. While one transaction
commits, the next results gather, so groups grow with the load and no result waits for a timer. Long responses take
longer to write than to receive, so claims wait until few results are left here (`keeps_up`). The transition is fenced:
if a job was rescued meanwhile, its old result is not recorded. While the database is gone, results are kept and tried
again beside new ones; if the process dies first, the leases bring the jobs back. A row that another session has locked
delays only its own result.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from workers.delivery.judge import Complete, Discard, Retry, Stopped, Verdict, judge

log = logging.getLogger("booper.recorder")
GROUP = 200
WAIT_FOR_DATABASE_S = 1.0
PAUSE_TIMES = 4  # the pause after a failure, in durations of the failed try, if others succeed
MAX_WAITING = 1000  # results: each has a response of up to 64 KiB and a lease that runs


Claim = tuple[int, int]  # a job's id, and the fence


class Judged(NamedTuple):
    result: Result
    verdict: Verdict


class Recorder:
    """One thread that records, and calls `count` with what it recorded. `start`, `put`, then `stop`, which returns when
    everything is recorded."""

    def __init__(
        self, count: Callable[[Iterable[Recorded]], None] = lambda _: None, configs: ConfigCache | None = None
    ) -> None:
        self._count = count
        self._configs = configs or ConfigCache()
        self._results: deque[Result] = deque()
        self._arrived = threading.Event()
        self._is_stopping = False
        self._kept: list[list[Result]] = []  # what could not be recorded so far
        self._succeeded = True  # since the last failure
        self._retry_at_s = 0.0
        self._gave_up = threading.Event()
        self._fewer = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, results: Iterable[Result]) -> None:
        self._results.extend(results)
        self._arrived.set()

    def keeps_up(self, timeout_s: float) -> bool:
        """Wait until few results are left to record; False if that takes too long."""
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
            while self._kept and time.monotonic() >= self._retry_at_s:
                self._record(self._kept.pop(0))
            with self._fewer:
                self._fewer.notify_all()

    def _has_more(self) -> bool:
        return not self._is_stopping or bool(self._results or self._kept)

    def _await_results(self) -> None:
        """Wait until results arrive, or until it is time to retry what is kept."""
        if self._results:
            return
        (self._gave_up if self._is_stopping else self._arrived).wait(self._until_retry_s())
        self._arrived.clear()

    def _few(self) -> bool:
        return len(self._results) + sum(map(len, self._kept)) < MAX_WAITING

    def _record(self, group: list[Result]) -> None:
        """Record the group, or keep it for a retry after a pause. If others succeeded since the last failure, the
        database works, and each result is retried alone."""
        began_s = time.monotonic()
        if self._try(group):
            self._succeeded = True
            return
        self._kept += [[result] for result in group] if self._succeeded else [group]
        took_s, pause_s = time.monotonic() - began_s, WAIT_FOR_DATABASE_S
        self._retry_at_s = began_s + took_s + (max(pause_s, PAUSE_TIMES * took_s) if self._succeeded else pause_s)
        self._succeeded = False

    def _until_retry_s(self) -> float | None:
        """How long to wait for the next result, in seconds; None: without limit."""
        return max(0.0, self._retry_at_s - time.monotonic()) if self._kept else None

    def _try(self, group: list[Result]) -> bool:
        """Whether the group needs no retry: it is recorded, or given up because a retry would fail too."""
        try:
            with connection():
                self._count([recorded_of(judged) for judged in record(group, self._configs)])
        except DatabaseUnreachable as error:
            log.warning("database not usable (%s): %d results kept, next try soon", error, len(group))
            return False
        except Exception:
            log.exception("recording failed for jobs %s", [result.job.id for result in group][:20])
            if len(group) > 1:
                return all([self._try([result]) for result in group])
        return True


def record(group: list[Result], configs: ConfigCache | None = None) -> list[Judged]:
    """Record the results in one transaction; returns those that were recorded. A result whose claim no longer holds the
    job leaves only a log line."""
    now, configs = clock.now(), configs or ConfigCache()
    configs.refresh({result.job.account_id for result in group})
    judged = [Judged(result, _verdict(result)) for result in group]
    with transaction():
        wait_briefly_for_locks()
        ended = schedule_results.of_ended_schedules(judged)
        judged = [_given_up(each, ended.get(each.result.job.id)) for each in judged] if ended else judged
        held, cancelled = _change_states(judged, now)
        recorded = [
            _stopped(each) if claim_of(each) in cancelled else each for each in judged if claim_of(each) in held
        ]
        records.add_attempts([attempt_records.attempt_row(*each) for each in recorded])
        records.add_log_entries([row for each in recorded for row in attempt_records.log_rows(*each)])
        schedule_results.remember(recorded, now)
        waiting = job_events.add_of_results(recorded, configs, now)
    event_order.release_next_events(waiting)
    metrics.count_attempts(attempt_records.measured(result) for result, _ in recorded)
    with logs.together():
        for result, verdict in judged:
            attempt_records.log_attempt(result, verdict, (result.job.id, result.job.claim_id) in held)
    return recorded


def recorded_of(judged: Judged) -> Recorded:
    """The attempt as the statistics count it."""
    job = judged.result.job
    lateness_us = job.attempted_at - job.scheduled_at
    return Recorded(job.account_id, job.attempted_at, lateness_us, isinstance(judged.verdict, Complete))


def _verdict(result: Result) -> Verdict:
    return judge(result.outcome, result.job, result.finished_at, random.random())


def claim_of(judged: Judged) -> Claim:
    return judged.result.job.id, judged.result.job.claim_id


def _change_states(judged: Sequence[Judged], now: int) -> tuple[set[Claim], set[Claim]]:
    """The claims that still held their jobs: those whose jobs changed state or were cancelled during the attempt, and
    of these the latter."""
    held: set[Claim] = set()
    cancelled: set[Claim] = set()
    for part in _one_claim_of_each_job(judged):
        changed = _end_claims(part, now)
        rest = [result.job for result, _ in part.values() if result.job.id not in changed]
        closed = lifecycle.close_cancelled_claims(rest)
        held.update(claim_of(part[job_id]) for job_id in changed | closed)
        cancelled.update(claim_of(part[job_id]) for job_id in closed)
    return held, cancelled


def _end_claims(part: Mapping[int, Judged], now: int) -> set[int]:
    """The ids of the jobs that changed state."""
    judged = list(part.values())
    changed = lifecycle.complete([result.job for result, verdict in judged if isinstance(verdict, Complete)], now)
    changed |= lifecycle.discard([result.job for result, verdict in judged if isinstance(verdict, Discard)], now)
    return changed | lifecycle.retry(
        [(result.job, verdict.next_at) for result, verdict in judged if isinstance(verdict, Retry)]
    )


def _one_claim_of_each_job(judged: Sequence[Judged]) -> Iterator[dict[int, Judged]]:
    """The results by job, in as many parts as a job has claims among them: a process that stood still may have claimed
    a job twice. What the transitions return are ids of jobs."""
    rest = list(judged)
    while rest:
        part: dict[int, Judged] = {}
        for each in rest:
            part.setdefault(each.result.job.id, each)
        yield part
        rest = [each for each in rest if part[each.result.job.id] is not each] if len(part) < len(rest) else []


def _given_up(judged: Judged, reason: str | None) -> Judged:
    """The result of a job that is not tried again for this reason, if there is one."""
    return judged if reason is None else judged._replace(verdict=Discard(reason))


def _stopped(judged: Judged) -> Judged:
    """The result of a job that was cancelled during the attempt: it does not fail, and no other attempt follows."""
    verdict = judged.verdict
    return judged if isinstance(verdict, Complete) else judged._replace(verdict=Stopped(verdict.reason))
