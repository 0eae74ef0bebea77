"""Counts the requests that were handed over and have not gone out yet. A claim waits until they are few."""

import contextlib
import threading
from collections.abc import Iterator


class Unsent:
    """Guards the count by one lock: `add` and `room` from any thread, `take` from the loop."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._count = 0
        self._few = threading.Condition()

    def add(self, count: int) -> None:
        with self._few:
            self._count += count

    def take(self) -> None:
        """Count one less: it has gone out, or never will."""
        self._lower(1)

    @contextlib.contextmanager
    def room(self, count: int, timeout_s: float) -> Iterator[bool]:
        """Wait until they are fewer than the limit, and keep room for `count` more in the block, which adds them: else
        every thread that waits would claim at once when room comes free. Gives False if that takes too long."""
        with self._few:
            has_room = self._few.wait_for(self._has_room, timeout_s)
            self._count += count if has_room else 0
            self._wake_next()
        try:
            yield has_room
        finally:
            if has_room:
                self._lower(count)

    def _lower(self, count: int) -> None:
        with self._few:
            was_full = not self._has_room()
            self._count -= count
            if was_full:
                self._wake_next()

    def _has_room(self) -> bool:
        return self._count < self._limit

    def _wake_next(self) -> None:
        """Wake one of those who wait, if there is room; that one wakes the next. If all woke, most would wait again."""
        if self._has_room():
            self._few.notify()
