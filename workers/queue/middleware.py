"""Starts and drains the delivery with Dramatiq's worker, and sets that worker's intervals."""

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware

from runtime import metrics, tracing
from runtime.signals import AT_ONCE, die_with_parent, run_apart
from workers.delivery.delivery import Delivery
from workers.queue.broker import DELAYED_POLL_MS
from workers.queue.delayed import pass_on

IDLE_POLL_S = 0.5
SAME_SIGNAL_S = 1.0  # one stop may come as several signals: from the group, from Dramatiq, from the kernel


class DeliveryMiddleware(Middleware):
    """Dramatiq calls these methods in the order in which they stand."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def after_process_boot(self, broker: Any) -> None:
        """In a process of Dramatiq's command line: stop claiming the moment SIGTERM comes (Dramatiq's own loop looks
        once a second), end at once on AT_ONCE or a later SIGTERM, and never outlive the command line."""
        die_with_parent()
        on_signal = StopOnSignal(self._delivery, signal.getsignal(signal.SIGTERM))
        for signum in (signal.SIGTERM, AT_ONCE):
            signal.signal(signum, on_signal)

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        """Fetch as many messages as there are threads: none may wait in this process behind one that is held."""
        self._worker = worker
        worker.worker_timeout = DELAYED_POLL_MS
        if not isinstance(broker, StubBroker):
            worker.queue_prefetch = worker.worker_threads
        self._delivery.start()

    def after_consumer_thread_boot(self, broker: Any, thread: Any) -> None:
        """Replace the loop in which Dramatiq passes on delayed messages (`workers/queue/delayed.py`)."""
        thread.handle_delayed_messages = partial(pass_on, thread, self._worker)

    def after_worker_boot(self, broker: Any, worker: Any) -> None:
        """The arrival of a message wakes the threads; Dramatiq's 50 polls a second cost idle CPU."""
        for thread in worker.workers:
            thread.timeout = IDLE_POLL_S

    def after_process_message(self, broker: Any, message: Any, *, result: Any = None, exception: Any = None) -> None:
        if exception is not None:
            metrics.count_message_failure("raised")

    def after_nack(self, broker: Any, message: Any) -> None:
        metrics.count_message_failure("dead")

    def before_worker_shutdown(self, broker: Any, worker: Any) -> None:
        self._delivery.close()

    def after_worker_shutdown(self, broker: Any, worker: Any) -> None:
        self._delivery.drain()
        tracing.stop()


class StopOnSignal:
    """Stops a process on signals: the first closes the delivery; a later one, or AT_ONCE after it, ends the process."""

    def __init__(self, delivery: Delivery, dramatiqs_stop: Callable[[int, FrameType | None], Any] | int | None) -> None:
        self._delivery = delivery
        self._dramatiqs_stop = dramatiqs_stop
        self._first = threading.Lock()  # taken by the first signal, also where a second one interrupts its handler
        self._stopping_since_s = math.inf

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if self._first.acquire(blocking=False):
            self._stopping_since_s = time.monotonic()
            self._stop(signum, frame)
        elif signum == AT_ONCE or time.monotonic() - self._stopping_since_s >= SAME_SIGNAL_S:
            try:
                self._delivery.abandon()
            finally:
                os._exit(128 + signal.SIGTERM)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        # Not in the signal handler itself: it may have interrupted a holder of the lock that closing takes.
        with contextlib.suppress(RuntimeError):  # the system gives no thread: `before_worker_shutdown` closes it later
            run_apart(self._delivery.close, limit_s=0)
        if callable(self._dramatiqs_stop):
            self._dramatiqs_stop(signum, frame)
