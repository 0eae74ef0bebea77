"""Keeps responses for the `Idempotency-Key` header, so that a repeated request gets the response of the first.

Safe against any number of equal requests at once: the row of the key and what the request makes are written in one
transaction. A second request waits at the unique index (account_id, key) until the first commits or rolls back. After
a commit it replays the response; after a rollback it takes the key. On SQLite the writers take turns.
"""

from collections.abc import Callable
from typing import NamedTuple

from models.database.sql import execute, fetch, unlocked
from models.database.transactions import transaction, write_turn
from models.rules.clock import DAY

KEPT_US = DAY
ROUNDS = 100


class KeyReused(Exception):
    """The key came with another request while its response was kept."""


class KeptResponse(NamedTuple):
    status_code: int
    text: str  # JSON, as it was sent
    replayed: bool


def respond_once(
    account_id: int, key: str, fingerprint: str, now: int, make: Callable[[], tuple[int, str]]
) -> KeptResponse:
    """Call `make` and keep its response (status code, JSON text), or return the response kept under `key`.

    `make` writes in the same transaction; if it raises, nothing is kept. Raises KeyReused when the kept response
    belongs to a request with another fingerprint.
    """
    for _ in range(ROUNDS):
        with transaction():
            if _take(account_id, key, fingerprint, now):
                status_code, text = make()
                execute(
                    "UPDATE idempotent_request SET status_code = %s, answer = %s WHERE account_id = %s AND key = %s",
                    (status_code, text, account_id, key),
                )
                return KeptResponse(status_code, text, replayed=False)
            kept = _kept(account_id, key, fingerprint)
            if kept:
                return kept
            # The row was pruned between the two statements, so the key is free again.
    raise RuntimeError(f"idempotency key not taken: it was taken and freed {ROUNDS} times in a row")


def prune(limit: int, now: int) -> int:
    """Delete up to `limit` responses older than KEPT_US; returns how many."""
    old = fetch(
        "SELECT id FROM idempotent_request WHERE created_at <= %s ORDER BY created_at LIMIT %s", (now - KEPT_US, limit)
    )
    if not old:
        return 0
    # A key may have been taken anew in between, or just be taken.
    these, params = unlocked("idempotent_request", [row[0] for row in old], "created_at <= %s", (now - KEPT_US,))
    with write_turn():
        return execute(f"DELETE FROM idempotent_request WHERE {these}", params)


def _take(account_id: int, key: str, fingerprint: str, now: int) -> bool:
    taken = fetch(
        "INSERT INTO idempotent_request (account_id, key, fingerprint, created_at) VALUES (%s, %s, %s, %s) "
        "ON CONFLICT (account_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, "
        "created_at = excluded.created_at, status_code = NULL, answer = NULL "
        "WHERE idempotent_request.created_at <= %s RETURNING id",
        (account_id, key, fingerprint, now, now - KEPT_US),
    )
    return bool(taken)


def _kept(account_id: int, key: str, fingerprint: str) -> KeptResponse | None:
    rows = fetch(
        "SELECT fingerprint, status_code, answer FROM idempotent_request WHERE account_id = %s AND key = %s",
        (account_id, key),
    )
    if not rows:
        return None
    kept_fingerprint, status_code, text = rows[0]
    if kept_fingerprint != fingerprint:
        raise KeyReused
    return KeptResponse(status_code, text, replayed=True)
