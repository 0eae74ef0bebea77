"""Records outcomes: verdict, transition, attempt and log entries of many jobs in one transaction.

Senders put results in a queue. One thread takes up to GROUP of them and records them together. While one transaction
commits, the next results gather, so groups grow with the load and no result waits for a timer. Long responses take
longer to write than to receive, so claims wait until few results are left here (`keeps_up`). The thread keeps a
connection of its own, and while it can get none, nobody claims: what is claimed could not be recorded, and would be
sent again. The transition is fenced: if a job was rescued meanwhile, its old result is not recorded. While the database
is gone, results are kept and tried again beside new ones; if the process dies first, the leases bring the jobs back. A
row that another session has locked delays only its own result.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connect_and_keep, database, release_connection
from models.database.transactions import after_commit, transaction, wait_briefly_for_locks
from models.flows import closing, leaving
from models.jobs import records
from models.jobs.job_kinds import ALERT
from models.rules import clock
from models.webhooks import event_order
from runtime import metrics
from workers.delivery import attempt_records, ended_claims, job_events, schedule_results
from workers.delivery.attempt_records import Described, Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.ended_claims import Judged, claim_of
from workers.delivery.heartbeat import Recorded
from workers.delivery.host_health import HostHealth
from workers.delivery.judge import LONGEST_RETRY_AFTER_US, Complete, Discard, Later, Verdict, judge

log = logging.getLogger("booper.recorder")
GROUP = 200
WAIT_FOR_DATABASE_S = 1.0
QUICK_S = 0.2  # a try that lost its connection so soon holds up no other results
PAUSE_TIMES = 4  # the pause after a failure, in durations of the failed try, if others succeed
# A longer attempt counts in the minute of its end: the heartbeat may hold that of its start no more (MINUTES_HELD).
COUNTED_AT_START_US = 15 * clock.MINUTE
MAX_WAITING = 1000  # results: each has a response of up to BOOPER_KEEP_RESPONSE_BYTES and a lease that runs


class Recorder:
    """One thread that records, and calls `count` with what it recorded. `start`, `put`, then `stop`, which returns when
    everything is recorded."""

    def __init__(
        self,
        count: Callable[[Iterable[Recorded]], None] = lambda _: None,
        configs: ConfigCache | None = None,
        health: HostHealth | None = None,
        longest_us: int = LONGEST_RETRY_AFTER_US,
    ) -> None:
        """`longest_us`: for how long a target may put a job off."""
        self._count = count
        self._configs = configs or ConfigCache()
        self._health = health or HostHealth()
        self._longest_us = longest_us
        self._results: deque[Result] = deque()
        self._arrived = threading.Event()
        self._is_stopping = False
        self._kept: list[list[Result]] = []  # what could not be recorded so far
        self._succeeded = True  # since the last failure
        self._is_connected = True
        self._retry_at_s = 0.0
        self._gave_up = threading.Event()
        self._fewer = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)

    def start(self) -> None:
        self._is_connected = False
        self._thread.start()

    def put(self, results: Iterable[Result]) -> None:
        self._results.extend(results)
        self._arrived.set()

    def keeps_up(self, timeout_s: float) -> bool:
        """Wait until few results are left to record and it has a connection; False if that takes too long."""
        if self._takes_more():
            return True
        with self._fewer:
            return self._fewer.wait_for(self._takes_more, timeout_s)

    def stop(self, timeout_s: float) -> None:
        """Record what is left, for at most `timeout_s` seconds."""
        self._is_stopping = True
        self._arrived.set()
        self._thread.join(timeout_s)
        self._gave_up.set()

    def _work(self) -> None:
        while self._has_more() and not self._gave_up.is_set():
            if not self._is_connected:
                self._try([])
            self._await_results()
            group = [self._results.popleft() for _ in range(min(GROUP, len(self._results)))]
            if group:
                self._record(group)
            while self._kept and time.monotonic() >= self._retry_at_s:
                self._record(self._kept.pop(0), is_retry=True)
            with self._fewer:
                self._fewer.notify_all()
        with suppress(*DatabaseUnreachable):
            release_connection()

    def _has_more(self) -> bool:
        return not self._is_stopping or bool(self._results or self._kept)

    def _await_results(self) -> None:
        """Wait until results arrive, or until it is time to retry what is kept."""
        if self._results or not self._has_more():  # it was told to stop since the last look, while it connected
            return
        (self._gave_up if self._is_stopping else self._arrived).wait(self._until_retry_s())
        self._arrived.clear()

    def _takes_more(self) -> bool:
        return self._is_connected and len(self._results) + sum(map(len, self._kept)) < MAX_WAITING

    def _record(self, group: list[Result], is_retry: bool = False) -> None:
        """Record the group, or keep it for a retry."""
        began_s = time.monotonic()
        if self._try(group):
            self._succeeded = True
            return
        took_s = time.monotonic() - began_s
        parts, pause_s = self._next_tries(group, took_s, is_retry)
        self._kept += parts
        self._retry_at_s = began_s + took_s + pause_s
        self._succeeded = False

    def _next_tries(self, group: list[Result], took_s: float, is_retry: bool) -> tuple[list[list[Result]], float]:
        """In which parts the group is retried, and after how many seconds. Where the connection was lost it is retried
        as a whole, at once if the database worked before. If it is lost again, the group may be what ends it, as one
        that takes too long does: it is halved, at once if it was lost quickly. Where others succeed on such a
        connection, each result goes alone."""
        works, is_cut = self._succeeded, not database.is_connection_usable()
        pause_s = max(WAIT_FOR_DATABASE_S, PAUSE_TIMES * took_s) if works else WAIT_FOR_DATABASE_S
        if not is_cut:
            return ([[result] for result in group] if works else [group]), pause_s
        if not is_retry:
            return [group], 0.0 if works else pause_s
        parts = halves(group) if self._is_connected else [group]
        return parts, 0.0 if len(parts) > 1 and took_s < QUICK_S else pause_s

    def _until_retry_s(self) -> float | None:
        """How long to wait for the next result, in seconds; None: without limit."""
        if not self._kept:
            return None if self._is_connected else WAIT_FOR_DATABASE_S
        return max(0.0, self._retry_at_s - time.monotonic())

    def _try(self, group: list[Result]) -> bool:
        """Whether the group needs no retry: it is recorded, or given up because a retry would fail too."""
        try:
            self._connect()
            if group:
                recorded = record(group, self._configs, self._longest_us)
                self._count([recorded_of(judged) for judged in recorded])
                self._health.note(result for result, _ in recorded)
        except DatabaseUnreachable as error:
            log.warning("database not usable (%s): %d results kept, next try soon", error, len(group))
            return False
        except Exception:
            log.exception("recording failed for jobs %s", [result.job.id for result in group][:20])
            if len(group) > 1:
                return all([self._try([result]) for result in group])
        return True

    def _connect(self) -> None:
        """Keep a connection of this thread's own, and let others claim while it has one."""
        try:
            connect_and_keep()
        except DatabaseUnreachable:
            self._is_connected = False
            raise
        if not self._is_connected:
            with self._fewer:
                self._is_connected = True
                self._fewer.notify_all()


def halves(group: list[Result]) -> list[list[Result]]:
    """The group in two parts; in one if there is nothing to part."""
    middle = len(group) // 2
    return [part for part in (group[:middle], group[middle:]) if part]


def record(
    group: list[Result], configs: ConfigCache | None = None, longest_us: int = LONGEST_RETRY_AFTER_US
) -> list[Judged]:
    """Record the results in one transaction, joining the caller's; returns those that were recorded. A result whose
    claim no longer holds the job leaves only a log line."""
    now, configs = clock.now(), configs or ConfigCache()
    configs.refresh({result.job.account_id for result in group})
    judged = [Judged(result, _verdict(result, longest_us)) for result in group]
    with transaction():
        wait_briefly_for_locks()
        recorded = ended_claims.end(judged, now)
        described = [attempt_records.described(*each) for each in recorded]
        records.add_attempts([each.row for each in described])
        records.add_log_entries([entry for each in described for entry in each.entries])
        waiting = add_consequences(recorded, configs, now)
        after_commit(lambda: _after_commit(judged, recorded, described, waiting))
    return recorded


def _after_commit(
    judged: Sequence[Judged], recorded: Sequence[Judged], described: Sequence[Described], waiting: set[int]
) -> None:
    event_order.release_next_events(waiting)
    leaving.make_room(result.job for result, _ in judged)
    rows = [each.row for each in described]
    metrics.count_attempts([(row.outcome, row.status_code, row.total_ms) for row in rows])
    count_alert_messages(recorded)
    unheld_lines = [attempt_records.unheld_line(*each) for each in _unheld(judged, recorded)]
    attempt_records.log_attempts([each.line for each in described] + unheld_lines)


def _unheld(judged: Sequence[Judged], recorded: Sequence[Judged]) -> list[Judged]:
    """The results that were not recorded. There are hardly ever any."""
    if len(recorded) == len(judged):
        return []
    held = {claim_of(each) for each in recorded}
    return [each for each in judged if claim_of(each) not in held]


def count_alert_messages(recorded: Sequence[Judged]) -> None:
    """Show the operator what became of messages about incidents; a message that is given up reaches nobody."""
    ended = [(result.job, verdict) for result, verdict in recorded if result.job.kind == ALERT]
    if not ended:
        return
    lost = [job.id for job, verdict in ended if isinstance(verdict, Discard)]
    metrics.count_alert_messages(sum(isinstance(verdict, Complete) for _, verdict in ended), len(lost))
    if lost:
        log.warning("messages about incidents could not be delivered and are given up: jobs %s", lost[:20])


def recorded_of(judged: Judged) -> Recorded:
    """The attempt as the statistics count it: when it began, a long one when it ended. One that is to be acknowledged
    counts as completed, since its target took it."""
    job, finished_at = judged.result.job, judged.result.finished_at
    lateness_us = job.attempted_at - job.scheduled_at
    counted_at = job.attempted_at if finished_at - job.attempted_at < COUNTED_AT_START_US else finished_at
    return Recorded(job.account_id, counted_at, lateness_us, isinstance(judged.verdict, Complete | Later))


def _verdict(result: Result, longest_us: int) -> Verdict:
    return judge(result.outcome, result.job, result.finished_at, random.random(), longest_us)


def add_consequences(recorded: Sequence[Judged], configs: ConfigCache, now: int) -> set[int]:
    """Store what follows from results besides the states of their jobs, joining the caller's transaction. Returns the
    jobs of which events may be released after the commit."""
    schedule_results.remember(recorded, now)
    closing.stop_lanes(_failed_lanes(recorded), now)
    return job_events.add_of_results(recorded, configs, now)


def _failed_lanes(recorded: Sequence[Judged]) -> dict[int, int]:
    """The lanes of discarded jobs, each with the job."""
    failed = [result.job for result, verdict in recorded if isinstance(verdict, Discard)]
    return {job.lane_id: job.id for job in failed if job.lane_id is not None}
