"""Runs the embedded mode: in-process broker, worker and ticker as threads of the process that also serves the API.

The messages of an in-process broker end with their process. That loses no job: each new leader clears all marks of
staging.
"""

import logging
import threading

from dramatiq import Worker

from models.database.connection import dialect
from models.jobs.lifecycle import NO_DEADLINE
from models.operations.leader import candidate
from models.rules import clock
from runtime.settings import Settings
from runtime.signals import Flag
from workers.assembly import make_held_ticker, make_ticker, probe
from workers.delivery.delivery import Delivery
from workers.queue.actors import Actors
from workers.queue.broker import make_broker, queue_name
from workers.queue.middleware import DeliveryMiddleware
from workers.queue.threads import THREADS
from workers.ticker.rescuer import rescue_lost

log = logging.getLogger("booper.embedded")
# Dramatiq would prefetch few delayed messages, and a message that is due soon would wait behind those due later.
PREFETCH = 100_000
EVERY_LEASE = NO_DEADLINE - 1  # every lease with an end; those without one are of listeners and acknowledged jobs
STOP_LIMIT_MS = 10_000


class Embedded:
    """Everything but the API: `start`, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self._delivery = Delivery(settings)
        self._broker = make_broker(settings, [DeliveryMiddleware(self._delivery)])
        self._actors = Actors(self._broker, queue_name(settings), self._delivery.deliver, probe)
        self._worker = Worker(self._broker, worker_threads=THREADS)
        self._worker.queue_prefetch = self._worker.delay_prefetch = PREFETCH
        self._stop = Flag()
        self._first_lead = True
        self._lead = candidate()
        ticker = make_ticker(settings, self._actors, self._lead, self._rescue_all)
        self._ticker = threading.Thread(target=ticker.tick_until, args=(self._stop,), name="ticker", daemon=True)

    def start(self) -> None:
        self._worker.start()
        self._ticker.start()

    def stop(self) -> None:
        """Claim nothing new, let requests under way finish within the grace, and record everything."""
        self._stop.set()
        self._ticker.join(10)
        self._worker.stop(STOP_LIMIT_MS)
        self._lead.give_up()  # last: the next leader takes whatever is under way for lost

    def abandon(self) -> None:
        """Give back what is under way; the process ends at once."""
        self._delivery.abandon()

    def works(self) -> bool:
        """Whether the thread of the ticker is there."""
        return self._ticker.is_alive()

    def _rescue_all(self) -> None:
        """Take back the claims of an earlier process. On SQLite only the leader delivers, so every claim that is older
        than its first lead has lost its holder."""
        rescued = 0
        if dialect() == "sqlite" and self._first_lead:
            while count := rescue_lost(clock.now(), EVERY_LEASE):
                rescued += count
        self._first_lead = False
        if rescued:
            log.info("%d jobs under way were left behind by an earlier process", rescued)


class Held:
    """Stands in for Embedded while BOOPER_HOLD is on: a ticker that sends nothing."""

    def __init__(self) -> None:
        self._stop = Flag()
        self._lead = candidate()
        ticker = make_held_ticker(self._lead)
        self._ticker = threading.Thread(target=ticker.tick_until, args=(self._stop,), name="ticker", daemon=True)

    def start(self) -> None:
        self._ticker.start()

    def stop(self) -> None:
        self._stop.set()
        self._ticker.join(10)
        self._lead.give_up()

    def abandon(self) -> None:
        """Nothing is under way."""

    def works(self) -> bool:
        """Whether the thread of the ticker is there."""
        return self._ticker.is_alive()
