"""Owns the periodic duties and their rhythm: plan, stage, find lost messages, rescue, and the sign of life.

Every worker process group and every embedded process runs one. The one that holds the lead
(models/operations/leader.py) works; the others stand by and look for the lead each second. A duty that fails is told
and tried again, later each time while the others succeed: no failure ends the ticker, and none keeps it from staging.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import database, throw_away
from models.database.sql import execute
from models.database.transactions import transaction, wait_briefly_for_locks
from models.jobs import staging
from models.operations import heartbeats
from models.operations.leader import Lead
from models.rules import clock
from models.webhooks import event_order
from runtime import metrics
from workers.queue.actors import Actors, BrokerError
from workers.ticker import planner
from workers.ticker.duty import Duty
from workers.ticker.pruner import Pruner
from workers.ticker.rescuer import rescue_lost
from workers.ticker.stager import Stager

log = logging.getLogger("booper.ticker")
STAGE_EVERY_S = 0.025
PLAN_EVERY_S = 0.05
LEAD_EVERY_S = 1.0
PAUSE_AFTER_FAILURE_S = 1.0
BACKLOG_COUNTED = 10_000
JUMP_US = 2 * clock.SECOND
LONGEST_LEASE_US = 16 * clock.MINUTE  # the longest time-out and a margin


class Ticker:
    """`tick_until(stop)` works until `stop` is set. `on_lead` is called each time the lead was won."""

    def __init__(self, stager: Stager, pruner: Pruner, actors: Actors, lead: Lead, on_lead: Callable[[], None]) -> None:
        self._stager = stager
        self._lead = lead
        self._on_lead = on_lead
        self._leading = False
        duties: list[tuple[float, Callable[[int], object]]] = [
            (1.0, record_sign_of_life),
            (1.0, planner.expire),
            (PLAN_EVERY_S, planner.plan_due),
            (1.0, lambda _now: rescue_lost(*self._now_and_leases_until())),
            (2.0, stager.find_lost),
            (5.0, event_order.release_left_over_events),
            (0.0, pruner.prune_some),  # keeps its own pace
            (0.0, pruner.forget_answers),
            (1.0, pruner.forget_firings),
            (1.0, pruner.forget_sessions),
            (5.0, lambda _now: actors.keep_alive()),
            (5.0, lambda now: heartbeats.record_depths(actors.depths(now))),
            (60.0, heartbeats.prune),
            (5.0, measure_backlog),
        ]
        self._duties = [Duty(*duty) for duty in duties]
        self._rounds = 0  # that ended well
        self._lead_checked_s = 0.0
        self._offset = clock.now() - time.monotonic_ns() // 1000  # wall clock against the steady one
        self._jump = self._jump_ends_us = 0

    def tick_until(self, stop: threading.Event) -> None:
        """Tick until `stop` is set, on one connection of this thread's own that is closed after a failure.

        The lead is kept: its owner gives it up when nothing that it started goes on.
        """
        pause_s = 0.0
        while not stop.wait(pause_s):
            pause_s = self._tick_safely()
        drop_connection()

    def _tick_safely(self) -> float:
        """One round; returns the seconds until the next."""
        try:
            if database.connect(reuse_if_open=True):
                wait_briefly_for_locks()
            return self.tick(clock.now(), time.monotonic())
        except DatabaseUnreachable as error:
            log.warning("database gone (%s): nothing is staged; next try in %s s", error, PAUSE_AFTER_FAILURE_S)
        except BrokerError as error:
            log.warning("broker gone (%s): due jobs wait in the table; next try in %s s", error, PAUSE_AFTER_FAILURE_S)
        except Exception:
            log.exception("a duty failed; next try in %s s", PAUSE_AFTER_FAILURE_S)
        drop_connection()
        return PAUSE_AFTER_FAILURE_S

    def tick(self, now: int, monotonic_s: float) -> float:
        """Do what is due at `monotonic_s` if this ticker leads; returns the seconds until the next round."""
        if not self._leads(monotonic_s):
            return LEAD_EVERY_S
        for duty in self._duties:
            duty.turn(now, monotonic_s, self._rounds)
        staged = self._stager.stage_due(now)
        self._rounds += 1
        metrics.set_staged(now)
        return 0.0 if staged else STAGE_EVERY_S

    def _now_and_leases_until(self) -> tuple[int, int]:
        """Now, and by when a lease must have ended to be taken for lost. After the wall clock was set forward, leases
        given before would all seem to have ended; for as long as any of them can last, the old time counts."""
        now, steady_us = clock.now(), time.monotonic_ns() // 1000  # read together: a slow duty before is no jump
        jump_us, self._offset = now - steady_us - self._offset, now - steady_us
        if jump_us > JUMP_US:
            log.warning("the clock was set forward by %d s: no job is taken for lost", jump_us // clock.SECOND)
            self._jump, self._jump_ends_us = jump_us, steady_us + LONGEST_LEASE_US
        return now, now - self._jump if steady_us < self._jump_ends_us else now

    def _leads(self, monotonic_s: float) -> bool:
        if self._leading and monotonic_s < self._lead_checked_s + LEAD_EVERY_S:
            return True
        led, self._leading = self._leading, False
        holds = self._lead.hold()
        self._lead_checked_s = monotonic_s
        metrics.set_leading(holds)
        if holds and not led:  # it leads once this is done: what fails here is tried again
            log.info("this ticker leads; %d jobs marked by the one before are staged again", self._stager.forget())
            self._on_lead()
        self._leading = holds
        return self._leading


def drop_connection() -> None:
    """Close the ticker's connection; a broken one may fail even at that."""
    with contextlib.suppress(Exception):
        throw_away()


def record_sign_of_life(now: int) -> None:
    """Tell `/readyz` and the operator that the ticker works."""
    with transaction():
        execute("UPDATE ticker SET seen_at = %s WHERE id = 1", (now,))
    metrics.set_ticker_alive(now)


def measure_backlog(now: int) -> None:
    """Tell the operator how much is due and unclaimed, as far as it is cheap to count."""
    metrics.set_backlog(*staging.backlog(now, BACKLOG_COUNTED))
