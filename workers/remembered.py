"""Owns what a sending process remembers of its accounts' endpoints, signing keys and channels, for at most a second.

So a job costs no question of its own, and one of an account that has set nothing costs a look into a dictionary. Asked
for a whole group before its claim; what is changed works within a second. Safe among threads: every change is one
dictionary operation, and a race only asks twice.
"""

import time
from collections.abc import Collection

from models import outgoing
from models.outgoing import NOTHING, Outgoing

REMEMBERED_S = 1.0
REMEMBERED_ACCOUNTS = 10_000


class Remembered:
    """`refresh` with a connection at hand, then `of` from any thread."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[float, Outgoing]] = {}

    def refresh(self, account_ids: Collection[int]) -> None:
        """Ask for those of the accounts that were not asked for within the last second."""
        now_s = time.monotonic()
        old = {account_id for account_id in account_ids if self._known.get(account_id, (0.0,))[0] <= now_s}
        if not old:
            return
        if len(self._known) >= REMEMBERED_ACCOUNTS:
            self._known.clear()
        found = outgoing.of_accounts(old)
        for account_id in old:
            self._known[account_id] = (now_s + REMEMBERED_S, found.get(account_id, NOTHING))

    def of(self, account_id: int) -> Outgoing:
        """What was known at the last refresh."""
        return self._known.get(account_id, (0.0, NOTHING))[1]
