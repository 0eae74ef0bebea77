"""Owns the threads that send: one outbound request each, so a slow target costs one slot and never a batch.

The caller has taken a slot for each job it submits; the sender gives it back when the request is over. Jobs that are
under way are kept by id, so that a process that stops can give back what its grace didn't suffice for.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

from models import clock, lifecycle
from models.database import connection
from models.lifecycle import ClaimedJob
from workers.entries import Result
from workers.outbound import Request, Transport
from workers.outcome import Outcome, Refused
from workers.preparation import prepare
from workers.recorder import Recorder
from workers.slots import Slots

log = logging.getLogger("booper.senders")


class Senders:
    """A pool of at most `slots.size` threads. `submit` never waits; `drain` ends the pool."""

    def __init__(self, slots: Slots, transport: Transport, recorder: Recorder) -> None:
        self._slots = slots
        self._transport = transport
        self._recorder = recorder
        self._pool = ThreadPoolExecutor(slots.size, thread_name_prefix="sender")
        self._under_way: dict[Future[None], ClaimedJob] = {}
        self._lock = threading.Lock()

    def submit(self, job: ClaimedJob) -> None:
        """Send the job's request on a thread of its own; its slot is already taken."""
        with self._lock:
            future = self._pool.submit(self._send, job)
            self._under_way[future] = job
        future.add_done_callback(self._forget)

    def drain(self, grace_s: float) -> None:
        """Wait up to `grace_s` for the requests under way, then give back the claims of the rest, attempts and all."""
        with self._lock:
            under_way = dict(self._under_way)
        self._pool.shutdown(wait=False)
        left = [under_way[future] for future in wait(under_way, grace_s).not_done]
        if not left:
            return
        with connection():
            released = lifecycle.release(left)
        log.warning("%d requests outlasted the grace of %s s; %d claims given back", len(left), grace_s, len(released))

    def _send(self, job: ClaimedJob) -> None:
        try:
            request, outcome = self._perform(job)
            self._recorder.put(Result(job, request, outcome, clock.now()))
        finally:
            self._slots.give(1)

    def _perform(self, job: ClaimedJob) -> tuple[Request, Outcome]:
        request = Request("GET", "", {}, None, job.timeout_ms)
        try:
            request = prepare(job)
            return request, self._transport.send(request)
        except Exception as error:
            log.exception("job %d could not be made into a request", job.id)
            return request, Refused("invalid_request", type(error).__name__)

    def _forget(self, future: Future[None]) -> None:
        with self._lock:
            self._under_way.pop(future, None)
