"""Measures how late the loop runs what is due. Long computing on it, or a busy processor, delays every attempt."""

import asyncio
import time
from collections.abc import Callable

EVERY_S = 0.005


class LagMeter:
    """Looks every `EVERY_S` while the loop is busy, and passes on by how many seconds each look came late. Belongs to
    the loop alone."""

    def __init__(self, loop: asyncio.AbstractEventLoop, is_busy: Callable[[], bool], note: Callable[[float], object]):
        self._loop, self._is_busy, self._note = loop, is_busy, note
        self._is_watching = False

    def watch(self) -> None:
        """Look from now on, for as long as the loop is busy."""
        if not self._is_watching:
            self._is_watching = True
            self._look_next()

    def _look_next(self) -> None:
        self._loop.call_later(EVERY_S, self._look, time.monotonic() + EVERY_S)

    def _look(self, due_s: float) -> None:
        self._note(max(0.0, time.monotonic() - due_s))
        if self._is_busy():
            self._look_next()
        else:
            self._is_watching = False
