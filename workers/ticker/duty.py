"""Runs one periodic duty of the ticker when it is due; a duty that fails does not stop the others."""

import logging
import time
from collections.abc import Callable

from models.database.connection import Unreachable as DatabaseUnreachable
from workers.queue.actors import BrokerError

log = logging.getLogger("booper.ticker")
# After the first failure, and at most. Longer than the ticker's pause, so that other duties run in between.
RETRY_AFTER_S = 2.0, 64.0


class Duty:
    """A function to be called every `every_s` seconds, and what it is for.

    `rounds` counts the ticker's rounds that ended well. A duty that fails although others succeed waits twice as long
    each time. When nothing succeeds, the database is gone, and the duty waits no longer than at first; nor does it when
    the broker is gone.
    """

    def __init__(self, every_s: float, run: Callable[[int], object], purpose: str) -> None:
        self._every_s, self._run, self._purpose = every_s, run, purpose
        self._due_s = self._pause_s = 0.0
        self._failed_in_round = -1

    def run_if_due(self, now: int, monotonic_s: float, rounds: int) -> None:
        """Raises errors that mean that the database or the broker is gone; logs other errors."""
        if monotonic_s < self._due_s:
            return
        began_s = time.monotonic()
        try:
            self._run(now)
        except BrokerError:
            # A round without due jobs ends well while the broker is gone: that is no sign that it is back.
            self._due_s = monotonic_s + time.monotonic() - began_s + RETRY_AFTER_S[0]
            raise
        except DatabaseUnreachable:
            self._postpone(monotonic_s + time.monotonic() - began_s, rounds)
            raise
        except Exception:
            self._postpone(monotonic_s, rounds)
            log.exception("a duty failed (%s); next try in %s s", self._purpose, self._pause_s)
        else:
            self._pause_s, self._due_s = 0.0, monotonic_s + self._every_s

    def _postpone(self, failed_s: float, rounds: int) -> None:
        first_s, longest_s = RETRY_AFTER_S
        if not self._pause_s or rounds > self._failed_in_round:
            self._pause_s = min(max(first_s, 2 * self._pause_s), longest_s)
        self._failed_in_round, self._due_s = rounds, failed_s + self._pause_s
