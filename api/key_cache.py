"""Owns who is asking: from a secret to its account, remembered so briefly that a revoked key dies within a second.

Each process remembers by itself. Safe among threads: every change is one dictionary operation, and a race only asks
the database twice.
"""

import hmac
import time
from typing import NamedTuple

from models.accounts import account_store, key_format

CACHED_S = 0.5
ASKING_S = 0.05  # so long the others believe what was known until just now, while one asks anew
CACHED_KEYS = 10_000


class Caller(NamedTuple):
    """The account behind a request; `user_id` is what clients call it."""

    account_id: int
    user_id: str


class KeyCache:
    """The keys this process has seen within REMEMBERED_S, by digest. `demo_key`: one that has no checksum, or ""."""

    def __init__(self, demo_key: str) -> None:
        self._demo_key = demo_key.encode()
        self._seen: dict[str, tuple[float, Caller]] = {}

    def caller_of(self, secret: str) -> Caller | None:
        """Whose key this is, or None. A malformed one is refused without a look into the database."""
        digest, now = key_format.digest(secret), time.monotonic()
        until, caller = self._seen.get(digest, (0.0, None))
        if caller and now < until:
            return caller
        if not key_format.well_formed(secret) and not self._is_demo(secret):
            return None
        if caller and now < until + ASKING_S:
            self._seen[digest] = (now + ASKING_S, caller)
        return self._look_up(secret, digest, now)

    def _look_up(self, secret: str, digest: str, now: float) -> Caller | None:
        account = account_store.account_of(secret)
        if account is None:
            self._seen.pop(digest, None)
            return None
        if len(self._seen) >= CACHED_KEYS:
            self._seen.clear()
        caller = Caller(account.id, account.uuid)
        self._seen[digest] = (now + CACHED_S, caller)
        return caller

    def _is_demo(self, secret: str) -> bool:
        return bool(self._demo_key) and hmac.compare_digest(secret.encode("utf-8", "replace"), self._demo_key)
