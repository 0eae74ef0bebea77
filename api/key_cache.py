"""Finds the account of an API key, and caches it so briefly that a revoked key stops working within a second.

Each process has its own cache. It is safe among threads: every change is one dictionary operation, and a race only
queries the database twice.
"""

import hmac
import time
from typing import NamedTuple

from models.accounts import account_store, key_format

CACHED_S = 0.5
REFRESH_S = 0.05  # for so long other threads use the expired entry while one thread queries the database
CACHED_KEYS = 10_000


class Caller(NamedTuple):
    """The account behind a request; `user_id` is what clients call it."""

    account_id: int
    user_id: str


class Entry(NamedTuple):
    """The caller of a key, as the database had it. `is_prolonged`: a thread began to query it again since."""

    until: float
    caller: Caller | None
    is_prolonged: bool = False


UNKNOWN = Entry(0.0, None)


class KeyCache:
    """The accounts of recent keys, by the digest of the key. `demo_key`: the one key without a checksum, or ""."""

    def __init__(self, demo_key: str) -> None:
        self._demo_key = demo_key.encode()
        self._entries: dict[str, Entry] = {}

    def caller_of(self, secret: str) -> Caller | None:
        """Whose key this is, or None. A malformed key is refused without a query."""
        digest, now = key_format.digest(secret), time.monotonic()
        until, caller, is_prolonged = self._entries.get(digest, UNKNOWN)
        if caller and now < until:
            return caller
        if not key_format.well_formed(secret) and not self._is_demo(secret):
            return None
        if caller and not is_prolonged and now < until + REFRESH_S:
            self._entries[digest] = Entry(now + REFRESH_S, caller, True)
        return self._look_up(secret, digest, now)

    def _look_up(self, secret: str, digest: str, now: float) -> Caller | None:
        account = account_store.account_of(secret)
        if account is None:
            self._entries.pop(digest, None)
            return None
        if len(self._entries) >= CACHED_KEYS:
            self._entries.clear()
        caller = Caller(account.id, account.uuid)
        self._entries[digest] = Entry(now + CACHED_S, caller)
        return caller

    def _is_demo(self, secret: str) -> bool:
        return bool(self._demo_key) and hmac.compare_digest(secret.encode("utf-8", "replace"), self._demo_key)
