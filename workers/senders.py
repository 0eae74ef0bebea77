"""Owns the threads that send: one outbound request each, so a slow target costs one slot and never a batch.

The caller has taken a slot for each job it submits; the sender gives it back when the request is over. Threads are
started as they are needed, at most one a slot, and are daemons: a request that outlasts the grace must not keep the
process alive. Which jobs are under way is kept under one lock, so that a stopping process can give back the rest.
"""

import logging
import queue
import threading

from models import clock, lifecycle
from models.database import connection
from models.lifecycle import ClaimedJob
from workers.entries import Result
from workers.outbound import Request, Transport
from workers.outcome import Blocked, Outcome, Refused
from workers.preparation import prepare
from workers.recorder import Recorder
from workers.slots import Slots

log = logging.getLogger("booper.senders")
JOIN_LIMIT_S = 1.0


class Senders:
    """A pool of at most `slots.size` threads. `submit` never waits; `drain` ends the pool."""

    def __init__(self, slots: Slots, transport: Transport, recorder: Recorder) -> None:
        self._slots = slots
        self._transport = transport
        self._recorder = recorder
        self._jobs: queue.SimpleQueue[ClaimedJob | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._under_way: dict[int, ClaimedJob] = {}
        self._changed = threading.Condition()

    def submit(self, job: ClaimedJob) -> None:
        """Send the job's request on a thread of its own; its slot is already taken. Raises RuntimeError when the system
        gives no thread."""
        with self._changed:
            if self._idle:
                self._idle -= 1
            else:
                self._start_thread()
            self._under_way[job.id] = job
        self._jobs.put(job)

    def drain(self, grace_s: float) -> None:
        """Wait up to `grace_s` for the requests under way, then give back the claims of the rest, attempts and all."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way, grace_s)
            left = list(self._under_way.values())
            idle = [thread for thread in self._threads if thread.is_alive()]
        for _ in idle:
            self._jobs.put(None)
        if left:
            with connection():
                released = lifecycle.release(left)
            log.warning(
                "%d requests outlasted the grace of %s s; %d claims given back", len(left), grace_s, len(released)
            )
            return
        for thread in idle:
            thread.join(JOIN_LIMIT_S)

    def abandon(self) -> None:
        """Give back the claims of all requests under way, without waiting for them: their process ends at once."""
        with self._changed:
            left = list(self._under_way.values())
        if left:
            with connection():
                lifecycle.release(left)

    def _start_thread(self) -> None:
        thread = threading.Thread(target=self._work, name=f"sender-{len(self._threads) + 1}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._send(job)
            with self._changed:
                self._under_way.pop(job.id, None)
                self._idle += 1
                if not self._under_way:
                    self._changed.notify_all()

    def _send(self, job: ClaimedJob) -> None:
        try:
            request, outcome = self._perform(job)
            self._recorder.put(Result(job, request, outcome, clock.now()))
        finally:
            self._slots.give([(job.id, job.account_id, job.host)])

    def _perform(self, job: ClaimedJob) -> tuple[Request, Outcome]:
        request = Request("GET", "", {}, None, job.timeout_ms)
        try:
            request = prepare(job)
            return request, self._transport.send(request)
        except Blocked as blocked:
            return request, Refused(blocked.reason, blocked.detail)
        except Exception as error:
            log.exception("job %d could not be made into a request", job.id)
            return request, Refused("invalid_request", type(error).__name__)
