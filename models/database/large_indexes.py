"""Builds the indexes of large tables that migrations name in `LARGE_INDEXES`, while others go on writing.

In a migration's transaction an index would keep all writers of its table waiting until it is built. So on PostgreSQL
these are built after the commit, concurrently, and what an interrupted build left is built again by the next
`booper migrate`. Until then statements are slower and no less right, so none of these may be unique.
"""

import time
from collections.abc import Callable, Iterable

from models.database.connection import connection, database, dialect, throw_away
from models.database.sql import execute, fetch
from models.database.transactions import transaction

LOCK = 0x626F6F72  # any constant shared by all processes
LOOK_AGAIN_S = 0.2
VALID = (
    "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid AND pg_table_is_visible("
    "indexrelid)"
)


def build(statements: Iterable[str], on_building: Callable[[str], None]) -> None:
    """Build those of the indexes that are missing. `statements`: CREATE INDEX name ON …"""
    by_name = {statement.split()[2]: statement for statement in statements}
    with connection():
        if dialect() == "sqlite":
            _build_at_once(by_name.values())
        elif _missing(by_name):
            _build_beside_others(by_name, on_building)


def _build_at_once(statements: Iterable[str]) -> None:
    with transaction():
        for statement in statements:
            execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


def _missing(by_name: dict[str, str]) -> list[str]:
    valid = {row[0] for row in fetch(VALID)}
    return [name for name in by_name if name not in valid]


def _build_beside_others(by_name: dict[str, str], on_building: Callable[[str], None]) -> None:
    """On a connection without limits that ends here, and with it the lock."""
    try:
        _wait_without_limits()
        # Whoever waits inside a statement is waited for by the build: the two would wait for one another.
        while not fetch("SELECT pg_try_advisory_lock(%s)", (LOCK,))[0][0]:
            time.sleep(LOOK_AGAIN_S)
        for name in _missing(by_name):
            on_building(name)
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            execute(by_name[name].replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1))
    finally:
        throw_away()


def _wait_without_limits() -> None:
    execute("SET statement_timeout = 0")
    execute("SET lock_timeout = 0")
    database.connection().reply_s = None
