"""Lets one transaction at a time change incidents: the evaluation, the sending, or an owner's change.

On SQLite there is one writer anyway.
"""

from models.database.connection import dialect
from models.database.sql import execute, fetch

LOCK = 0x616C7274  # any constant shared by all processes


def is_alone() -> bool:
    """Whether this transaction has the lock, until its end."""
    return dialect() == "sqlite" or bool(fetch("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))[0][0])


def wait_until_alone() -> None:
    """Take the lock until the end of this transaction. The others hold it for milliseconds."""
    if dialect() == "postgresql":
        execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
