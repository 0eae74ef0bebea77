"""Owns the secret that signs the dashboard's cookies: one a database, so that every API process knows it.

It is no setting, because a forgotten or copied one would be worse than none; whoever can read the database could read
every job anyway. Two processes that make it at once get the same one: the row's key lets the first in.
"""

import secrets

from models.database.sql import execute, fetch
from models.database.transactions import transaction

BYTES = 32


def session_secret() -> str:
    """The secret, made at the first call."""
    kept = fetch("SELECT value FROM session_secret WHERE id = 1")
    if not kept:
        with transaction():
            execute(
                "INSERT INTO session_secret (id, value) VALUES (1, %s) ON CONFLICT DO NOTHING",
                (secrets.token_urlsafe(BYTES),),
            )
        kept = fetch("SELECT value FROM session_secret WHERE id = 1")
    value: str = kept[0][0]
    return value
