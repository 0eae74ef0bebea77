"""Owns the threads that send: one outbound request each, so a slow target costs one slot and never a batch.

The caller has taken a slot for each job it submits; the sender gives it back when the request is over. Threads that
compute only hinder one another (one interpreter lock), so few are busy at once: `BASE`, and beside them as many as
wait for slow answers. One more thread, the pacer, watches while jobs are queued: it counts the requests that last
longer than `SLOW_S` and lets half as many threads again be busy, so hundreds are there within a fraction of a second
when targets are slow. A request may also last because this process gets too little of the processor; the pacer knows
by how much later it wakes than it wanted to, and then more threads would make it worse. All threads are daemons: a
request that outlasts the grace must not keep the process alive. One lock guards what is queued, busy and under way, so
that a stopping process can give back the rest.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import connection
from models.jobs import lifecycle
from models.jobs.lifecycle import ClaimedJob
from models.rules import clock
from runtime import tracing
from workers.delivery.attempt_records import Result
from workers.delivery.config_cache import ConfigCache
from workers.delivery.recorder import Recorder
from workers.delivery.render import render_request
from workers.delivery.slots import Slots
from workers.transport.outbound import Request, Transport
from workers.transport.outcome import Blocked, Outcome, Refused

log = logging.getLogger("booper.senders")
BASE = 16
LOOK_EVERY_S = 0.005
SLOW_S = 0.01  # a request that lasts longer waits for its target, in a process that has little to compute
STRAINED_S = 0.1  # and so much longer in one that computes, or waits for the processor, all the time
WEIGHT = 0.1  # of the newest look in the mean strain
QUEUED = 200  # enough to keep the senders busy during a claim; what waits here has been claimed, and not attempted
JOIN_LIMIT_S = 1.0


class Senders:
    """A pool of at most `slots.size` threads. `start`, then `submit`, which never waits; `drain` ends the pool."""

    def __init__(
        self,
        slots: Slots,
        transport: Transport,
        recorder: Recorder,
        fresh_us: int,
        remembered: ConfigCache | None = None,
    ) -> None:
        """`fresh_us`: how long after its claim a request may begin; part of the margin that leases have."""
        self._slots = slots
        self._fresh_us = fresh_us
        self._transport = transport
        self._recorder = recorder
        self._remembered = remembered or ConfigCache()
        self._queue: deque[ClaimedJob] = deque()
        self._under_way: dict[int, ClaimedJob] = {}  # queued or being sent
        self._began_s: dict[int, float] = {}  # of those being sent: since when
        self._allowed = BASE  # how many may be sent at once
        self._strain = 0.0  # 0 to 1, or a little above
        self._idle = 0
        self._coming = 0  # jobs that are being claimed
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._pacer = threading.Thread(target=self._pace, name="sender-pacer", daemon=True)
        lock = threading.Lock()
        self._more = threading.Condition(lock)  # for the senders: there may be a job for one
        self._short = threading.Condition(lock)  # for the pacer: jobs are queued and no thread is idle
        self._room = threading.Condition(lock)  # for who claims: few jobs are queued
        self._done = threading.Condition(lock)  # for who drains: nothing is under way

    def start(self) -> None:
        """Start the pacer and the first thread. Raises RuntimeError when the system gives no thread."""
        self._pacer.start()
        self._start_threads(1)

    @contextmanager
    def room_for(self, count: int, timeout_s: float) -> Iterator[bool]:
        """Wait until few enough jobs are queued that so many more may be claimed within the block; False if that takes
        too long, or the pool has ended."""
        with self._room:
            self._room.wait_for(lambda: self._ended or self._has_room(), timeout_s)
            reserved = count if self._has_room() and not self._ended else 0
            self._coming += reserved
        try:
            yield reserved > 0
        finally:
            with self._room:
                self._coming -= reserved
                self._room.notify()

    def submit(self, jobs: Sequence[ClaimedJob]) -> None:
        """Send these jobs' requests, each on a thread of its own; their slots are already taken."""
        with self._more:
            self._queue.extend(jobs)
            self._under_way.update((job.id, job) for job in jobs)
            wanted = self._wake()
            if len(self._queue) > min(wanted, self._idle):
                self._short.notify()

    def drain(self, grace_s: float) -> None:
        """Wait up to `grace_s` for the requests under way, then give back the claims of the rest, attempts and all."""
        with self._done:
            self._done.wait_for(lambda: not self._under_way, grace_s)
            left = list(self._under_way.values())
            self._ended = True
            self._queue.clear()
            for waiting in (self._more, self._short, self._room):
                waiting.notify_all()
        if left:
            log.warning("%d requests outlasted the grace of %s s: given back", len(left), grace_s)
            self._release(left)
            return
        for thread in (self._pacer, *self._threads):
            thread.join(JOIN_LIMIT_S)

    def abandon(self) -> None:
        """Give back the claims of all requests under way, without waiting for them: their process ends at once."""
        with self._more:
            self._queue.clear()
            left = list(self._under_way.values())
        if left:
            self._release(left)

    def _has_room(self) -> bool:
        return len(self._queue) + self._coming < QUEUED

    def _pace(self) -> None:
        while not self._ended:
            with self._short:
                if not self._queue and not self._ended:
                    self._short.wait()
                missing = self._missing(time.monotonic())
            try:
                self._start_threads(missing)
            except RuntimeError as error:
                self._give_back_queued(error)
            self._rest()

    def _rest(self) -> None:
        """Wait for the next look, and learn how much of the time this process computes or waits for the processor."""
        began_s, cpu_s = time.monotonic(), time.process_time()
        time.sleep(LOOK_EVERY_S)
        took_s = time.monotonic() - began_s
        strain = (time.process_time() - cpu_s + took_s - LOOK_EVERY_S) / took_s
        self._strain += WEIGHT * (strain - self._strain)

    def _give_back_queued(self, error: RuntimeError) -> None:
        """Without threads the queued jobs would wait until their leases end, which would count as a crash of each."""
        with self._more:
            left = list(self._queue)
            self._queue.clear()
            for job in left:
                self._forget(job)
            self._room.notify_all()
        log.error("no thread for %d claimed jobs (%s): given back; lower BOOPER_SENDER_SLOTS", len(left), error)
        self._slots.give([job.ref for job in left])
        self._release(left)

    def _missing(self, now_s: float) -> int:
        """How many threads must be started for those that may be busy; wakes the idle ones. Lock held."""
        ages_s = [now_s - began_s for began_s in self._began_s.values()]
        self._allowed = min(busy_allowed(ages_s, self._strain), self._slots.size)
        return max(0, min(self._wake() - self._idle, self._slots.size - len(self._threads)))

    def _wake(self) -> int:
        """Wake as many idle threads as queued jobs may be sent at once; returns how many that are. Lock held."""
        wanted = max(0, min(len(self._queue), self._allowed - len(self._began_s)))
        self._more.notify(wanted)
        return wanted

    def _start_threads(self, count: int) -> None:
        for _ in range(count):
            thread = threading.Thread(target=self._work, name=f"sender-{len(self._threads) + 1}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self) -> None:
        job: ClaimedJob | None = None
        while (job := self._next(job)) is not None:
            self._send(job)

    def _next(self, done: ClaimedJob | None) -> ClaimedJob | None:
        """Wait for the next job, or for the end; `done` is no longer under way."""
        with self._more:
            if done:
                self._forget(done)
            while not self._queue or len(self._began_s) >= self._allowed:
                if self._ended:
                    return None
                self._idle += 1
                self._more.wait()
                self._idle -= 1
            job = self._queue.popleft()
            if len(self._queue) + self._coming == QUEUED - 1:
                self._room.notify()
            self._began_s[job.id] = time.monotonic()
            return job

    def _forget(self, job: ClaimedJob) -> None:
        self._began_s.pop(job.id, None)
        self._under_way.pop(job.id, None)
        if not self._under_way:
            self._done.notify_all()

    def _send(self, job: ClaimedJob) -> None:
        try:
            if clock.now() - job.attempted_at > self._fresh_us:
                self._give_back_stale(job)
                return
            request, outcome = self._perform(job)
            self._recorder.put(Result(job, request, outcome, clock.now()))
        finally:
            self._slots.give([job.ref])

    def _give_back_stale(self, job: ClaimedJob) -> None:
        """This process stood still, or was short of threads, since the claim. Its lease may end before the answer is
        recorded, or has ended: the request would be sent twice."""
        log.warning("job %d waited too long since its claim: given back unsent", job.id)
        self._release([job])

    def _release(self, jobs: list[ClaimedJob]) -> None:
        """Give back the claims, attempts and all, if the database takes it."""
        try:
            with connection():
                lifecycle.release(jobs)
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): the leases of %d jobs bring them back", error, len(jobs))

    def _perform(self, job: ClaimedJob) -> tuple[Request, Outcome]:
        request = Request("GET", "", {}, None, job.timeout_ms)
        try:
            request = render_request(job, self._remembered.of(job.account_id))
            return request, tracing.attempting(job, request, self._transport.send)
        except Blocked as blocked:
            return request, Refused(blocked.reason, blocked.detail)
        except Exception as error:
            log.exception("job %d could not be made into a request", job.id)
            return request, Refused("invalid_request", type(error).__name__)


def busy_allowed(ages_s: Sequence[float], strain: float) -> int:
    """How many requests may be under way at once, when those that are have lasted so many seconds, in a process that
    computes or waits for the processor during a `strain` (0 to 1) of the time."""
    slow_s = SLOW_S + STRAINED_S * strain
    return BASE + sum(age_s > slow_s for age_s in ages_s) * 3 // 2
