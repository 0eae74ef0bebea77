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
from collections.abc import Sequence

from booper import tracing
from models import clock, lifecycle
from models.database import Unreachable as DatabaseUnreachable
from models.database import connection
from models.lifecycle import ClaimedJob
from workers.entries import Result
from workers.outbound import Request, Transport
from workers.outcome import Outcome, Refused
from workers.preparation import prepare
from workers.recorder import Recorder
from workers.slots import Slots

log = logging.getLogger("booper.senders")
BASE = 6
SLOW_S = 0.01
LOOK_EVERY_S = 0.005
WAKES = 5  # how often a sender waits for the processor in one request, at most; the pacer does so once a look
WEIGHT = 0.2  # of the newest look in the mean of the pacer's lateness
JOIN_LIMIT_S = 1.0


class Senders:
    """A pool of at most `slots.size` threads. `start`, then `submit`, which never waits; `drain` ends the pool."""

    def __init__(self, slots: Slots, transport: Transport, recorder: Recorder, fresh_us: int) -> None:
        """`fresh_us`: how long after its claim a request may begin; part of the margin that leases have."""
        self._slots = slots
        self._fresh_us = fresh_us
        self._transport = transport
        self._recorder = recorder
        self._queue: deque[ClaimedJob] = deque()
        self._under_way: dict[int, ClaimedJob] = {}  # queued or being sent
        self._began_s: dict[int, float] = {}  # of those being sent: since when
        self._allowed = BASE  # how many may be sent at once
        self._late_s = 0.0
        self._idle = 0
        self._ended = False
        self._threads: list[threading.Thread] = []
        self._pacer = threading.Thread(target=self._pace, name="sender-pacer", daemon=True)
        lock = threading.Lock()
        self._more = threading.Condition(lock)  # for the senders: there may be a job for one
        self._short = threading.Condition(lock)  # for the pacer: jobs are queued and no thread is idle
        self._done = threading.Condition(lock)  # for who drains: nothing is under way

    def start(self) -> None:
        """Start the pacer and the first thread. Raises RuntimeError when the system gives no thread."""
        self._pacer.start()
        self._start_threads(1)

    def submit(self, jobs: Sequence[ClaimedJob]) -> None:
        """Send these jobs' requests, each on a thread of its own; their slots are already taken."""
        with self._more:
            self._queue.extend(jobs)
            self._under_way.update((job.id, job) for job in jobs)
            wanted = min(len(self._queue), self._allowed - len(self._began_s))
            self._more.notify(wanted)
            if len(self._queue) > min(wanted, self._idle):
                self._short.notify()

    def drain(self, grace_s: float) -> None:
        """Wait up to `grace_s` for the requests under way, then give back the claims of the rest, attempts and all."""
        with self._done:
            self._done.wait_for(lambda: not self._under_way, grace_s)
            left = list(self._under_way.values())
            self._ended = True
            self._queue.clear()
            self._more.notify_all()
            self._short.notify_all()
        if left:
            with connection():
                released = lifecycle.release(left)
            log.warning(
                "%d requests outlasted the grace of %s s; %d claims given back", len(left), grace_s, len(released)
            )
            return
        for thread in (self._pacer, *self._threads):
            thread.join(JOIN_LIMIT_S)

    def abandon(self) -> None:
        """Give back the claims of all requests under way, without waiting for them: their process ends at once."""
        with self._more:
            self._queue.clear()
            left = list(self._under_way.values())
        if left:
            with connection():
                lifecycle.release(left)

    def _pace(self) -> None:
        while not self._ended:
            with self._short:
                if not self._queue:
                    self._short.wait()
                missing = self._missing(time.monotonic())
            try:
                self._start_threads(missing)
            except RuntimeError as error:
                self._give_back_queued(error)
            self._rest()

    def _rest(self) -> None:
        """Wait for the next look, and learn how late threads wake."""
        began_s = time.monotonic()
        time.sleep(LOOK_EVERY_S)
        self._late_s += WEIGHT * (time.monotonic() - began_s - LOOK_EVERY_S - self._late_s)

    def _give_back_queued(self, error: RuntimeError) -> None:
        """Without threads the queued jobs would wait until their leases end, which would count as a crash of each."""
        with self._more:
            left = list(self._queue)
            self._queue.clear()
            for job in left:
                self._forget(job)
        log.error("no thread for %d claimed jobs (%s): given back; lower BOOPER_SENDER_SLOTS", len(left), error)
        with connection():
            lifecycle.release(left)
        self._slots.give([(job.id, job.account_id, job.host) for job in left])

    def _missing(self, now_s: float) -> int:
        """How many threads must be started for those that may be busy; wakes the idle ones. Lock held."""
        slow_s = SLOW_S + WAKES * self._late_s
        slow = sum(now_s - began_s > slow_s for began_s in self._began_s.values())
        self._allowed = min(BASE + slow * 3 // 2, self._slots.size)
        wanted = min(len(self._queue), self._allowed - len(self._began_s))
        self._more.notify(max(0, wanted))
        return max(0, min(wanted - self._idle, self._slots.size - len(self._threads)))

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
            self._slots.give([(job.id, job.account_id, job.host)])

    def _give_back_stale(self, job: ClaimedJob) -> None:
        """This process stood still, or was short of threads, since the claim. Its lease may end before the answer is
        recorded, or has ended: the request would be sent twice."""
        log.warning("job %d waited too long since its claim: given back unsent", job.id)
        try:
            with connection():
                lifecycle.release([job])
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): the lease of job %d brings it back", error, job.id)

    def _perform(self, job: ClaimedJob) -> tuple[Request, Outcome]:
        request = Request("GET", "", {}, None, job.timeout_ms)
        try:
            request = prepare(job)
            return request, tracing.attempting(job, request, self._transport.send)
        except Exception as error:
            log.exception("job %d could not be made into a request", job.id)
            return request, Refused("invalid_request", type(error).__name__)
