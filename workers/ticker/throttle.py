"""Owns the pace of work that nobody waits for: how much of it at once, and how long to rest in between.

A step is made as large as fits into STEP_US; after each the pace rests for REST_TIMES of what it took. So such work
takes a fixed part of one connection, whatever it finds and however busy the database is.
"""

import time
from collections.abc import Callable

from models.rules.clock import MILLISECOND, SECOND

STEP_US = 10 * MILLISECOND
REST_TIMES = 5  # at most a sixth of the time is worked
LONGEST_REST_US = SECOND  # a step may have lasted for as long as the process stood still


def steady_us() -> int:
    """A clock that is never set, in microseconds."""
    return time.monotonic_ns() // 1000


class Pace:
    """`rows` are handled in the next step: FEWEST to MOST."""

    FEWEST, FIRST, MOST = 25, 200, 2000

    def __init__(self, steady: Callable[[], int] = steady_us) -> None:
        self._steady = steady
        self._rest_until = 0
        self.rows = self.FIRST

    def step(self, work: Callable[[int], int]) -> int:
        """What `work(rows)` returns, or 0 while this pace rests."""
        began = self._steady()
        if began < self._rest_until:
            return 0
        done = work(self.rows)
        took = self._steady() - began
        self._rest_until = began + took + min(REST_TIMES * took, LONGEST_REST_US)
        if took > STEP_US:
            self.rows = max(self.FEWEST, self.rows // 2)
        elif took < STEP_US // 2:
            self.rows = min(self.MOST, self.rows * 2)
        return done
