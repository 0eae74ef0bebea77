"""Owns the rhythm of one periodic duty of the ticker, and what a failure of it costs the others: nothing lasting."""

import logging
import time
from collections.abc import Callable

from models.database.connection import Unreachable as DatabaseUnreachable
from workers.queue.actors import BrokerError

log = logging.getLogger("booper.ticker")
AGAIN_S = 2.0, 64.0  # after the first failure and at most: longer than the ticker's pause, so that others have a turn


class Duty:
    """Something to be done every so many seconds. `rounds` counts the ticker's rounds that ended well: a duty that
    fails although others succeed waits twice as long each time; when nothing succeeds, the database is gone, and it
    waits no longer than at first."""

    def __init__(self, every_s: float, do: Callable[[int], object]) -> None:
        self._every_s, self._do = every_s, do
        self._due_s = self._pause_s = 0.0
        self._failed_in_round = -1

    def turn(self, now: int, monotonic_s: float, rounds: int) -> None:
        """Do it if it is due. Raises what tells that database or broker is gone; other failures stay its own affair."""
        if monotonic_s < self._due_s:
            return
        began_s = time.monotonic()
        try:
            self._do(now)
        except (*DatabaseUnreachable, BrokerError):
            self._put_off(monotonic_s + time.monotonic() - began_s, rounds)
            raise
        except Exception:
            self._put_off(monotonic_s, rounds)
            log.exception("a duty failed; next try in %s s", self._pause_s)
        else:
            self._pause_s, self._due_s = 0.0, monotonic_s + self._every_s

    def _put_off(self, failed_s: float, rounds: int) -> None:
        first_s, longest_s = AGAIN_S
        if not self._pause_s or rounds > self._failed_in_round:
            self._pause_s = min(max(first_s, 2 * self._pause_s), longest_s)
        self._failed_in_round, self._due_s = rounds, failed_s + self._pause_s
