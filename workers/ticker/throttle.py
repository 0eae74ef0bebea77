"""Throttles work that nobody waits for: how many rows at once, and how long to rest in between.

A step is made as large as fits into its time. After each step the throttle rests for REST_TIMES the time it took. So
the work takes a fixed part of one connection, whatever it finds and however busy the database is.
"""

import time
from collections.abc import Callable

from models.rules.clock import MILLISECOND, SECOND

STEP_US = 10 * MILLISECOND
REST_TIMES = 5  # it works for at most a sixth of the time
LONGEST_REST_US = SECOND  # a step may seem long because the process stood still


def steady_us() -> int:
    """Microseconds of a clock that is never set."""
    return time.monotonic_ns() // 1000


class Throttle:
    """`rows`: how many the next step handles, from `min_rows` to MAX_ROWS. `step_us`: how long a step may take.
    `rest_times`: in place of REST_TIMES."""

    MIN_ROWS, FIRST_ROWS, MAX_ROWS = 25, 200, 2000

    def __init__(
        self,
        steady: Callable[[], int] = steady_us,
        step_us: int = STEP_US,
        min_rows: int = MIN_ROWS,
        rest_times: int | None = None,
    ) -> None:
        self._steady = steady
        self._step_us, self._min_rows = step_us, min_rows
        self._rest_times = REST_TIMES if rest_times is None else rest_times
        self._rest_until = 0
        self.rows = self.FIRST_ROWS

    def step(self, work: Callable[[int], int]) -> int:
        """What `work(rows)` returns, or 0 during a rest."""
        began = self._steady()
        if began < self._rest_until:
            return 0
        done = work(self.rows)
        took = self._steady() - began
        self._rest_until = began + took + min(self._rest_times * took, LONGEST_REST_US)
        if took > self._step_us:
            self.rows = max(self._min_rows, self.rows // 2)
        elif took < self._step_us // 2:
            self.rows = min(self.MAX_ROWS, self.rows * 2)
        return done
