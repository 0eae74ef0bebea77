"""The one time limit of an attempt, and the clock of its phases: every wait asks here how long it may still
last.
"""

import time

from workers.transport.outcome import Timings


class Deadline:
    """Counts one attempt from its start: what remains of it, and how long its phases took. Used by one
    thread.
    """

    __slots__ = ("_ends_at", "_started_at", "timeout_ms", "dns_ms", "connect_ms", "tls_ms", "first_byte_ms")

    def __init__(self, timeout_ms: int) -> None:
        self.timeout_ms = timeout_ms
        self._started_at = time.monotonic()
        self._ends_at = self._started_at + timeout_ms / 1000
        self.dns_ms: float | None = None
        self.connect_ms: float | None = None
        self.tls_ms: float | None = None
        self.first_byte_ms: float | None = None

    def left_s(self) -> float:
        """Seconds that remain, 0 when none do."""
        return max(0.0, self._ends_at - time.monotonic())

    def text(self) -> str:
        return f"no whole answer within {self.timeout_ms} ms"

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self._started_at) * 1000

    def note_first_byte(self) -> None:
        if self.first_byte_ms is None:
            self.first_byte_ms = self.elapsed_ms()

    def timings(self) -> Timings:
        return Timings(self.dns_ms, self.connect_ms, self.tls_ms, self.first_byte_ms, self.elapsed_ms())
