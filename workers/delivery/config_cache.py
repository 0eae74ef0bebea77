"""Caches endpoints, signing keys, channels and alert targets of accounts in a sending process, for at most a second.

So a job costs no query of its own, only a look into a dictionary. The cache is refreshed for a whole group of jobs
before their claim, and a change takes effect within a second. Threads may share it: every change is one dictionary
operation, and a race only queries twice. When the cache is full, it becomes the older half, and the previous older
half is dropped. So an account stays until CACHED_ACCOUNTS others were fetched: longer than a job takes from claim to
end.
"""

import threading
import time
from collections.abc import Callable, Collection

from models.webhooks import delivery_config
from models.webhooks.delivery_config import NONE, DeliveryConfig

CACHED_S = 1.0
CACHED_ACCOUNTS = 10_000


class ConfigCache:
    """`refresh` or `fetch` while connected to the database, then `of` from any thread. `steady_s`: seconds of a clock
    that is never set."""

    def __init__(self, steady_s: Callable[[], float] = time.monotonic) -> None:
        self._steady_s = steady_s
        self._known: dict[int, tuple[float, DeliveryConfig]] = {}
        self._older: dict[int, tuple[float, DeliveryConfig]] = {}
        self._aging = threading.Lock()

    @property
    def size(self) -> int:
        return len(self._known) + len(self._older)

    def refresh(self, account_ids: Collection[int]) -> None:
        """Fetch the configuration of those accounts that were not fetched within the last second."""
        now_s = self._steady_s()
        self.fetch({account_id for account_id in account_ids if self._known.get(account_id, (0.0,))[0] <= now_s})

    def fetch(self, account_ids: Collection[int]) -> None:
        """Fetch the configuration of all these accounts, whenever it was last fetched."""
        if not account_ids:
            return
        until_s = self._steady_s() + CACHED_S
        self._age_if_full()
        configs = delivery_config.of_accounts(account_ids)
        for account_id in account_ids:
            if self._known.get(account_id, (0.0,))[0] <= until_s:  # else another thread has fetched since
                self._known[account_id] = (until_s, configs.get(account_id, NONE))

    def of(self, account_id: int) -> DeliveryConfig:
        """The configuration at the last refresh."""
        _, config = self._known.get(account_id) or self._older.get(account_id) or (0.0, NONE)
        return config

    def _age_if_full(self) -> None:
        with self._aging:
            if len(self._known) >= CACHED_ACCOUNTS:
                self._older = self._known  # first: a thread that looks in between sees both
                self._known = {}
