"""Limits the requests that hold one of the server's few threads for long: live logs, and listeners that wait.

A process lets `PLACES` wait at once, `SHARE` of one account, so that most threads are left to others. Whoever gets no
place asks again.
"""

import threading
from collections import Counter

PLACES = 3
SHARE = 2


class Places:
    """Counts the long requests of a process by account."""

    def __init__(self, places: int = PLACES, share: int = SHARE) -> None:
        self._places, self._share = places, share
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    def take(self, account_id: int) -> bool:
        """Take a place for the account, if there is one and it has not its share."""
        with self._lock:
            if self._taken.total() >= self._places or self._taken[account_id] >= self._share:
                return False
            self._taken[account_id] += 1
            return True

    def free(self, account_id: int) -> None:
        with self._lock:
            self._taken[account_id] -= 1
            self._taken = +self._taken  # without the accounts that have none


places = Places()
