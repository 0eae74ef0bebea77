"""Owns what a sending process remembers of its accounts' endpoints, signing keys and channels, for at most a second.

So a job costs no question of its own, and one of an account that has set nothing costs a look into a dictionary. Asked
for a whole group before its claim; what is changed works within a second. Safe among threads: every change is one
dictionary operation, and a race only asks twice. When it is full, all that it knows becomes old and the old is
forgotten, so an account asked for is known until that many others were: longer than a job takes from claim to end.
"""

import threading
import time
from collections.abc import Callable, Collection

from models.webhooks import delivery_config
from models.webhooks.delivery_config import NONE, DeliveryConfig

CACHED_S = 1.0
CACHED_ACCOUNTS = 10_000


class ConfigCache:
    """`refresh` or `ask_for` with a connection at hand, then `of` from any thread. `steady_s`: seconds of a clock that
    is never set."""

    def __init__(self, steady_s: Callable[[], float] = time.monotonic) -> None:
        self._steady_s = steady_s
        self._known: dict[int, tuple[float, DeliveryConfig]] = {}
        self._older: dict[int, tuple[float, DeliveryConfig]] = {}
        self._turning = threading.Lock()

    @property
    def size(self) -> int:
        return len(self._known) + len(self._older)

    def refresh(self, account_ids: Collection[int]) -> None:
        """Ask for those of the accounts that were not asked for within the last second."""
        now_s = self._steady_s()
        self.ask_for({account_id for account_id in account_ids if self._known.get(account_id, (0.0,))[0] <= now_s})

    def ask_for(self, account_ids: Collection[int]) -> None:
        """Ask for all of the accounts, whenever they were asked for."""
        if not account_ids:
            return
        until_s = self._steady_s() + CACHED_S
        self._turn_if_full()
        found = delivery_config.of_accounts(account_ids)
        for account_id in account_ids:
            if self._known.get(account_id, (0.0,))[0] <= until_s:  # else another thread has asked since
                self._known[account_id] = (until_s, found.get(account_id, NONE))

    def of(self, account_id: int) -> DeliveryConfig:
        """What was known at the last refresh."""
        known = self._known.get(account_id) or self._older.get(account_id) or (0.0, NONE)
        return known[1]

    def _turn_if_full(self) -> None:
        with self._turning:
            if len(self._known) >= CACHED_ACCOUNTS:
                self._older = self._known  # first, so that who looks between finds them in both
                self._known = {}
