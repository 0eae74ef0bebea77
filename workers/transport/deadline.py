"""Keeps the one time limit of an attempt and times its phases: every wait asks here how long it may still last. Knows
how late a request goes out, too.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Literal, NamedTuple

from workers.transport.outcome import Timings

LOOK_AFTER_MS = 20.0  # a request that goes out sooner is not asked about again: that would cost a question for each
LATE_MS = 20.0  # a start that was counted so long before the request went out is corrected
TOO_LATE_MS = 40.0  # so late, a request asks for its start to be counted anew before it goes out
ASKS = 3  # whoever asks for longer would never go out on a machine that is too busy


class Permission(NamedTuple):
    """Whether a request may go out, and by the monotonic clock when its start was counted anew, if it was."""

    is_given: bool
    counted_ns: int | None = None


class Start:
    """Knows when a request was handed over, and when it may go out, from which on its start is counted. `at_ns` None:
    it may go at once, and nobody counts it."""

    __slots__ = ("_at_ns", "_handed_over_ns")

    def __init__(self, at_ns: int | None) -> None:
        self._at_ns, self._handed_over_ns = at_ns, time.monotonic_ns()

    @property
    def is_counted(self) -> bool:
        return self._at_ns is not None

    def ahead_s(self) -> float:
        """How long to wait for the instant at which it may go."""
        return 0.0 if self._at_ns is None else max(0.0, (self._at_ns - time.monotonic_ns()) / 1e9)

    def is_slow(self) -> bool:
        """Whether it was handed over so long ago that its job may have been cancelled since."""
        return (time.monotonic_ns() - self._handed_over_ns) / 1e6 >= LOOK_AFTER_MS

    def is_late(self, by_ms: float) -> bool:
        """Whether its start was counted so much earlier than now."""
        return self._at_ns is not None and (time.monotonic_ns() - self._at_ns) / 1e6 >= by_ms

    def count_anew(self, at_ns: int) -> None:
        self._at_ns = at_ns


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
