"""Keeps the one time limit of an attempt and times its phases: every wait asks here how long it may still last."""

import contextlib
import time
from collections.abc import Iterator
from typing import Literal

from workers.transport.outcome import Timings


class Deadline:
    """Counts one attempt from its start. Used by one thread."""

    __slots__ = ("_started_ns", "_timeout_ms", "_timings")

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_ms, self._started_ns, self._timings = timeout_ms, time.monotonic_ns(), Timings()

    def elapsed_ms(self) -> float:
        """To the microsecond; the digits behind it would be noise."""
        return (time.monotonic_ns() - self._started_ns) // 1000 / 1000

    def left_s(self) -> float:
        """Seconds that remain, 0 when none do."""
        return max(0.0, (self._timeout_ms - self.elapsed_ms()) / 1000)

    def text(self) -> str:
        return f"no whole answer within {self._timeout_ms} ms"

    @contextlib.contextmanager
    def timed(self, phase: Literal["dns_ms", "connect_ms", "tls_ms"]) -> Iterator[None]:
        """Time a phase, unless it fails."""
        started_ms = self.elapsed_ms()
        yield
        setattr(self._timings, phase, round(self.elapsed_ms() - started_ms, 3))

    def forget_phases(self) -> None:
        """Leave the phases untimed: their lengths would say how far the attempt came."""
        self._timings = Timings()

    def note_first_byte(self) -> None:
        if self._timings.first_byte_ms is None:
            self._timings.first_byte_ms = self.elapsed_ms()

    def timings(self) -> Timings:
        """The timings of the attempt, which ends now."""
        self._timings.total_ms = self.elapsed_ms()
        return self._timings
