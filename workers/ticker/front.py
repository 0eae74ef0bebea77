"""Remembers where the searches of an index may begin, while its front is full of dead entries.

Each change of a row leaves an entry in an index that no search removes while a transaction anywhere in PostgreSQL is
older than the change: a dump, a report, a forgotten session. A search for what is due would read all of them each time.
So a search says where it found the first row, and the next one begins there. Rows may still come up behind it, when a
job is given back or rescued. Searches of the whole index find them. These are made each time if they are quick, and
otherwise as often as takes a twentieth of the time.
"""

import threading
from collections.abc import Callable

from models.rules import clock
from workers.ticker.throttle import steady_us

BEHIND_US = 10 * clock.SECOND  # rows come up so far behind the clock at any time: made slowly, or given back
QUICK_US = 20 * clock.MILLISECOND
REST_TIMES = 20
LONGEST_REST_US = 30 * clock.SECOND


class Front:
    def __init__(self) -> None:
        self._begins_at = 0
        self._whole_again_us = 0  # of the steady clock
        self._forgotten = 0  # how often; another thread may do so during a search
        self._lock = threading.Lock()

    def search(self, now: int, find: Callable[[int], int | None]) -> int | None:
        """What `find` returns: when the first row from an instant on is due, or None. It looks to `now` or beyond."""
        began_us, forgotten = steady_us(), self._forgotten
        is_whole = began_us >= self._whole_again_us
        first_at = find(0 if is_whole else self.begins_at(now))
        took_us = steady_us() - began_us if is_whole else 0
        with self._lock:
            if forgotten != self._forgotten:
                return first_at
            if is_whole:
                rest_us = min(REST_TIMES * took_us, LONGEST_REST_US) if took_us > QUICK_US else 0
                self._whole_again_us = began_us + took_us + rest_us
            self._begins_at = now - BEHIND_US if first_at is None else min(first_at, now - BEHIND_US)
        return first_at

    def begins_at(self, now: int) -> int:
        """Where a search beside `search` may begin; 0 after the clock was set back."""
        return self._begins_at if self._begins_at < now else 0

    def forget(self) -> None:
        """Search the whole index next time: rows have come up behind."""
        with self._lock:
            self._forgotten += 1
            self._begins_at = self._whole_again_us = 0
