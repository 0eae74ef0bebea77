"""Owns how many requests this process may have under way at once.

One lock over one number. A caller takes as many slots as are free, up to what it wants, in one step: two callers that
each held a part and waited for the rest would wait for one another.
"""

import threading


class Slots:
    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._closed = False
        self._changed = threading.Condition()

    def take(self, wanted: int, timeout_s: float) -> int:
        """From 1 to `wanted` slots as soon as one is free; 0 when none came free in time or the slots are closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._closed, max(0.0, timeout_s))
            if self._closed:
                return 0
            taken = min(self._free, wanted)
            self._free -= taken
            return taken

    def give(self, count: int) -> None:
        """Put slots back."""
        with self._changed:
            self._free += count
            self._changed.notify_all()

    def close(self) -> None:
        """Give out no more; whoever waits gets 0."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def in_use(self) -> int:
        with self._changed:
            return self.size - self._free
