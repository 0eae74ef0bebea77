"""Ticks: one round after another, runs the duties that are due and stages due jobs.

A ticker has two loops under one lead, each on a thread and a connection of its own: what needs the database alone, and
what needs the broker. A broker that blocks or is silent so holds up neither the sign of life nor rescues.
Every worker process group and every embedded process runs one ticker. The one that holds the lead
(models/operations/leader.py) works; the others stand by and try to take the lead each second. A duty that fails is
logged and tried again, later each time while the others succeed: no failure ends the ticker, and none keeps it from
staging.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence

from models.database.connection import Unreachable as DatabaseUnreachable
from models.database.connection import database, throw_away
from models.database.transactions import wait_briefly_for_locks
from models.operations.leader import Lead
from models.rules import clock
from runtime import metrics
from runtime.signals import Flag
from workers.queue.actors import BrokerError
from workers.queue.broker import advice
from workers.ticker.duty import Duty
from workers.ticker.stager import Stager

log = logging.getLogger("booper.ticker")
STAGE_EVERY_S = 0.025
LEAD_EVERY_S = 1.0
PAUSE_AFTER_FAILURE_S = 1.0
JOIN_LIMIT_S = 5.0  # a publish that hangs goes on for longer, and dies with the process


class Loop:
    """`tick_until(stop)` works until `stop` is set. `on_lead` is called each time it takes the lead. `stager`: None for
    a loop that does not publish."""

    def __init__(
        self, stager: Stager | None, duties: Sequence[Duty], lead: Lead, on_lead: Callable[[], None] = lambda: None
    ) -> None:
        self._stager = stager
        self._duties = duties
        self._lead = lead
        self._on_lead = on_lead
        self._leading = False
        self._lead_checked_s = 0.0
        self._rounds = 0  # that ended well

    @property
    def leads(self) -> bool:
        return self._leading

    def tick_until(self, stop: Flag) -> None:
        """Tick until `stop` is set, on a connection of this thread's own that is closed after a failure.

        Keeps the lead. Its owner gives it up when nothing that the owner started goes on.
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
            gone = f"broker gone ({error}{advice(error)})"
            log.warning("%s: due jobs wait in the table; next try in %s s", gone, PAUSE_AFTER_FAILURE_S)
        except Exception:
            log.exception("a round failed; next try in %s s", PAUSE_AFTER_FAILURE_S)
        drop_connection()
        return PAUSE_AFTER_FAILURE_S

    def tick(self, now: int, monotonic_s: float) -> float:
        """Do what is due at `monotonic_s` if this ticker leads; returns the seconds until the next round."""
        if not self._leads(monotonic_s):
            return LEAD_EVERY_S
        for duty in self._duties:
            duty.run_if_due(now, monotonic_s, self._rounds)
        staged = self._stage(now) if self._stager else 0
        self._rounds += 1
        return 0.0 if staged else STAGE_EVERY_S

    def _stage(self, now: int) -> int:
        assert self._stager is not None
        staged = self._stager.stage_due(now)
        metrics.set_staged(now)
        return staged

    def _leads(self, monotonic_s: float) -> bool:
        if self._leading and monotonic_s < self._lead_checked_s + LEAD_EVERY_S:
            return True
        led, self._leading = self._leading, False
        holds = self._lead.hold()
        self._lead_checked_s = monotonic_s
        metrics.set_leading(holds)
        if holds and not led:
            # It leads only after this: what fails here is tried again.
            if self._stager:
                marked = self._stager.clear_marks()
                left = f"; {marked} jobs that the one before had marked are staged again" if marked else ""
                log.info("this ticker leads%s", left)
            self._on_lead()
        self._leading = holds
        return self._leading


class Ticker:
    """`tick_until(stop)` works until `stop` is set. The loop of the database holds the lead, and the other follows."""

    def __init__(
        self,
        stager: Stager,
        duties: Sequence[Duty],
        broker_duties: Sequence[Duty],
        lead: Lead,
        on_lead: Callable[[], None],
    ) -> None:
        self._keeper = Loop(None, duties, lead)
        self._publisher = Loop(stager, broker_duties, Followed(self._keeper), on_lead)

    def tick(self, now: int, monotonic_s: float) -> float:
        """One round of both, for callers that have one thread."""
        self._keeper.tick(now, monotonic_s)
        return self._publisher.tick(now, monotonic_s)

    def tick_until(self, stop: Flag) -> None:
        """Tick until `stop` is set. Keeps the lead, which its owner gives up when nothing goes on any more."""
        publishing = threading.Thread(target=self._publisher.tick_until, args=(stop,), name="stager", daemon=True)
        publishing.start()
        self._keeper.tick_until(stop)
        publishing.join(JOIN_LIMIT_S)


class Followed:
    """The lead of a loop that follows another one."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def hold(self) -> bool:
        return self._loop.leads

    def give_up(self) -> None:
        """The lead is the other's."""


def drop_connection() -> None:
    """Close the ticker's connection; closing a broken one may fail too."""
    with contextlib.suppress(Exception):
        throw_away()
