"""Owns how the parts of this room are put together, for one process or for many."""

import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware

from models.database.connection import connection
from models.operations.leader import Lead
from models.rules import clock
from runtime import metrics, tracing
from runtime.settings import Settings
from runtime.signals import AT_ONCE, die_with_parent
from workers.delivery.delivery import Delivery
from workers.queue.broker import DELAYED_POLL_MS, Actors
from workers.ticker.pruner import Pruner
from workers.ticker.stager import Stager, record_delivered
from workers.ticker.ticker import Ticker

IDLE_LOOK_S = 0.5
SAME_ORDER_S = 1.0  # one order to stop may come several times: from the group, from Dramatiq, from the kernel


class DeliveryMiddleware(Middleware):
    """Starts and drains the delivering parts with Dramatiq's worker."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._stopping_since_s: float | None = None

    def after_process_boot(self, broker: Any) -> None:
        """In a process of Dramatiq's command line: stop claiming the moment SIGTERM comes (its own loop looks once a
        second), end at once on AT_ONCE or a later SIGTERM, and never outlive the command line."""
        die_with_parent()
        first_answer = signal.getsignal(signal.SIGTERM)

        def on_order(signum: int, frame: FrameType | None) -> None:
            if self._stopping_since_s is not None:
                if signum == AT_ONCE or time.monotonic() - self._stopping_since_s >= SAME_ORDER_S:
                    self._delivery.abandon()
                    os._exit(128 + signal.SIGTERM)
                return
            self._stopping_since_s = time.monotonic()
            # Not in the handler itself: it may have interrupted a holder of the lock that closing takes.
            threading.Thread(target=self._delivery.close, name="closing").start()
            if callable(first_answer):
                first_answer(signum, frame)

        for order in (signal.SIGTERM, AT_ONCE):
            signal.signal(order, on_order)

    def before_worker_boot(self, broker: Any, worker: Any) -> None:
        """No message may wait in this process behind one that is held: fetch as many as there are threads."""
        worker.worker_timeout = DELAYED_POLL_MS
        if not isinstance(broker, StubBroker):
            worker.queue_prefetch = worker.worker_threads
        self._delivery.start()

    def after_worker_boot(self, broker: Any, worker: Any) -> None:
        """Threads are woken by what is put in their queue; looking 50 times a second besides costs idle CPU."""
        for thread in worker.workers:
            thread.timeout = IDLE_LOOK_S

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


def make_ticker(settings: Settings, actors: Actors, lead: Lead, on_lead: Callable[[], None]) -> Ticker:
    stager = Stager(actors, int(settings.look_ahead_s * clock.SECOND), settings.queue_bound)
    pruner = Pruner(kept_us(settings), firings_kept_us=int(settings.keep_runs_days * clock.DAY))
    return Ticker(stager, pruner, actors, lead, on_lead)


def kept_us(settings: Settings) -> dict[str, int]:
    """For each final state how long its jobs are kept, in microseconds; a state that is absent is kept for ever."""
    days = {
        "completed": settings.keep_completed_days,
        "discarded": settings.keep_discarded_days,
        "cancelled": settings.keep_cancelled_days,
    }
    return {state: int(kept * clock.DAY) for state, kept in days.items() if kept}


def probe(published_at: int) -> None:
    """The probe actor: everything published before this message has left the queue."""
    with connection():
        record_delivered(published_at)
