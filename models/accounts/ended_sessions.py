"""Owns which sessions of the dashboard have been signed out, so that a copied cookie is worthless to every API process.

A cookie is valid by its signature, so only those that are to be refused need a row, and only until they would have
grown too old by themselves. A row holds a digest: whoever reads the table learns no token.
"""

import hashlib

from models.database.sql import any_of, execute, fetch
from models.database.transactions import transaction


def end(token: str, until: int) -> None:
    """Refuse the session with this token, until it is too old anyway. May be called twice."""
    with transaction():
        execute(
            "INSERT INTO ended_session (digest, forgotten_at) VALUES (%s, %s) "
            "ON CONFLICT (digest) DO UPDATE SET forgotten_at = excluded.forgotten_at",
            (_digest(token), until),
        )


def has_ended(token: str) -> bool:
    return bool(fetch("SELECT 1 FROM ended_session WHERE digest = %s", (_digest(token),)))


def prune(limit: int, now: int) -> int:
    """Forget at most `limit` of those whose cookie has grown too old; returns how many."""
    old = fetch(
        "SELECT digest FROM ended_session WHERE forgotten_at <= %s ORDER BY forgotten_at LIMIT %s", (now, limit)
    )
    if not old:
        return 0
    these, given = any_of("digest", [row[0] for row in old], "text")
    with transaction():
        return execute(f"DELETE FROM ended_session WHERE {these} AND forgotten_at <= %s", (given, now))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
