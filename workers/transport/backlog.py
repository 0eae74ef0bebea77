"""How many requests were handed over and have not gone out yet, so that who claims jobs can wait until few do."""

import threading


class Backlog:
    """`add` and `is_short` from any thread, `take` from the loop. One lock over the count."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._short = threading.Condition()

    def add(self, count: int) -> None:
        with self._short:
            self._count += count

    def take(self) -> None:
        """One of them has gone out, or never will."""
        with self._short:
            self._count -= 1
            if self._count == self._most - 1:
                self._short.notify_all()

    def is_short(self, timeout_s: float) -> bool:
        """Wait until fewer than the most are there; False if that takes too long."""
        with self._short:
            return self._short.wait_for(lambda: self._count < self._most, timeout_s)
