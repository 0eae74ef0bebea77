"""How late the loop comes to what it should do: whatever computes for long on it, or keeps it from the processor, holds
up every attempt of the process."""

import asyncio
import time
from collections.abc import Callable

EVERY_S = 0.005
BOUNDS_S = (0.001, 0.005, 0.010, 0.025, 0.050, 0.100, 0.250, 1.0)


class LagMeter:
    """Looks every `EVERY_S` while the loop is busy. `counts`: how many looks came late by up to each of `BOUNDS_S`, and
    by more than the last; each look is counted once. Written on the loop, read from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], bool]) -> None:
        self._loop, self._is_busy = loop, is_busy
        self._is_watching = False
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def watch(self) -> None:
        """Look from now on, for as long as the loop is busy."""
        if not self._is_watching:
            self._is_watching = True
            self._look_next()

    def _look_next(self) -> None:
        self._loop.call_later(EVERY_S, self._look, time.monotonic() + EVERY_S)

    def _look(self, due_s: float) -> None:
        late_s = max(0.0, time.monotonic() - due_s)
        self.counts[sum(late_s > bound_s for bound_s in BOUNDS_S)] += 1
        self.sum_s += late_s
        if self._is_busy():
            self._look_next()
        else:
            self._is_watching = False
