"""Counts the requests that were handed over and have not gone out yet. A claim waits until they are few."""

import threading


class Unsent:
    """Guards the count by one lock: `add` and `are_few` from any thread, `take` from the loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._few = threading.Condition()

    def add(self, count: int) -> None:
        with self._few:
            self._count += count

    def take(self) -> None:
        """Count one less: it has gone out, or never will."""
        with self._few:
            self._count -= 1
            if self._count == self._limit - 1:
                self._few.notify_all()

    def are_few(self, timeout_s: float) -> bool:
        """Wait until they are fewer than the limit; False if that takes too long."""
        with self._few:
            return self._few.wait_for(lambda: self._count < self._limit, timeout_s)
