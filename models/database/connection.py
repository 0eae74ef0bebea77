"""Connects each thread to the database: opens it by URL, hands out connections, keeps and checks them.

PostgreSQL gives each thread a connection from a pool; SQLite gives each thread its own.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import DatabaseProxy, InterfaceError, InternalError, OperationalError, SqliteDatabase
from playhouse.pool import MaxConnectionsExceeded
from psycopg.pq import TransactionStatus

from models.database.pool import Postgres
from models.database.postgres import OF_WORK, Limits
from models.database.urls import SQLITE

# psycopg raises InternalError for a database that is read-only for now (a fail-over).
Unreachable = (OperationalError, InterfaceError, InternalError, MaxConnectionsExceeded)
SQLITE_WAIT_S = 10  # for other writers: those of other programs, and those of this process
database = DatabaseProxy()


class Sqlite(SqliteDatabase):
    """SQLite in WAL mode, safe against power loss. `writers`: the lock for which writers queue. `writes_since`: since
    when a writer has its turn; None: nobody writes."""

    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        pragmas = {
            "journal_mode": "wal",
            "synchronous": "full",
            "foreign_keys": 1,
            "busy_timeout": 1000 * SQLITE_WAIT_S,
        }
        super().__init__(path, pragmas=pragmas, lock_type="IMMEDIATE", timeout=SQLITE_WAIT_S)
        self.writers = threading.RLock()
        self.writes_since: int | None = None

    def execute_sql(self, sql: str, params: Any = None) -> sqlite3.Cursor:
        return super().execute_sql(sql.replace("%s", "?") if "%s" in sql else sql, params)

    def rollback(self) -> None:
        """Roll back unless SQLite has done so itself, as it does after some errors (a full disk). A second rollback
        would fail and hide the first error."""
        if self.connection().in_transaction:
            super().rollback()


def open_database(url: str, connections: int = 40, limits: Limits = OF_WORK) -> Postgres | Sqlite:
    """Point the models at the database of `url` (sqlite:///PATH or postgresql://…). Connects lazily."""
    opened = Sqlite(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else Postgres(url, connections, limits)
    database.initialize(opened)
    return opened


def is_locked(error: BaseException | None) -> bool:
    """Whether a writer of SQLite waited in vain for the others."""
    return isinstance(error, OperationalError) and "database is locked" in str(error)


def dialect() -> str:
    """`postgresql` or `sqlite`."""
    return database.obj.dialect


@contextmanager
def connection() -> Iterator[None]:
    """Connect this thread for the length of the block, and return the connection however the block ends."""
    database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        release_connection()


def connect_and_keep() -> None:
    """Connect this thread, unless its connection of before still works. It keeps it until `release_connection`."""
    drop_if_stale()
    database.connect(reuse_if_open=True)


@contextmanager
def answered_within(seconds: float) -> Iterator[None]:
    """Connect this thread for the length of the block, and wait at most so long for each statement."""
    connect_and_keep()
    held = _held()
    if held is None:
        yield
        return
    limit_s, held.reply_s = held.reply_s, seconds
    try:
        yield
    finally:
        held.reply_s = limit_s


def release_connection() -> None:
    """Return this thread's connection to the pool; close a broken one."""
    if database.is_closed():
        return
    if dialect() == "postgresql" and not database.is_connection_usable():
        database.manual_close()
    else:
        database.close()


def throw_away() -> None:
    """Close this thread's connection, so that no other gets it: one that is set up for this thread alone."""
    if not database.is_closed():
        (database.manual_close if dialect() == "postgresql" else database.close)()


def keep_connection() -> None:
    """At the end of a request, or before a wait: keep this thread's connection, or close it if it broke.

    Returning it after each request would cost 7 % of a create. It is returned where connections are scarce. On SQLite
    it would mean opening the file and setting its pragmas each time, which costs more than most requests.
    """
    if (held := _held()) is None:
        return
    if held.pgconn.transaction_status != TransactionStatus.IDLE:
        database.obj.manual_close()
    elif not database.obj.has_room:
        database.close()


def drop_if_stale() -> None:
    """At the beginning of a request: close a kept connection that the server has closed meanwhile."""
    if (held := _held()) and database.obj.is_stale(held):
        database.obj.manual_close()


def _held() -> Any:
    """This thread's connection to PostgreSQL, if it has one."""
    opened = database.obj
    return opened.connection() if isinstance(opened, Postgres) and not opened.is_closed() else None


@contextmanager
def without_limits() -> Iterator[None]:
    """Wait for statements and locks as long as they take, until the end of the surrounding transaction: for
    migrations of large tables, which a person starts and watches."""
    if dialect() != "postgresql":
        yield
        return
    held = database.connection()
    database.execute_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
    limit_s, held.reply_s = held.reply_s, None
    try:
        yield
    finally:
        held.reply_s = limit_s


def connections_in_use() -> int:
    """How many connections threads hold just now, at work or kept; 0 on SQLite, which has no pool."""
    return database.obj.in_use if isinstance(database.obj, Postgres) else 0


def close_all() -> None:
    """Close this thread's connection and every pooled one; for the end of a process."""
    if dialect() == "postgresql":
        database.close_all()
    elif not database.is_closed():
        database.close()
