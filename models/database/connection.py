"""Connects each thread to the database: opens it by URL, hands out connections, keeps and checks them.

PostgreSQL gives each thread a connection from a pool; SQLite gives each thread its own.
"""

import select
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import DatabaseProxy, InterfaceError, InternalError, OperationalError, SqliteDatabase
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase
from psycopg.pq import TransactionStatus

# psycopg raises InternalError for a database that is read-only for now (a fail-over).
Unreachable = (OperationalError, InterfaceError, InternalError, MaxConnectionsExceeded)
database = DatabaseProxy()
TRUSTED_S = 0.1
# Both ends notice within seconds that their peer has vanished without a word.
DEAD_PEER: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# A process that is frozen inside a transaction holds its locks no longer than a lease.
LIMITS = "-c statement_timeout=60000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=20000"
DEAD_PEER_OPTIONS = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


class Postgres(PooledPostgresqlDatabase):
    """PostgreSQL with a pool that notices idle connections which the server has closed.

    The pool trusts a connection for TRUSTED_S after it was returned or checked. A check of each one would release the
    interpreter while the pool is locked, and all threads would wait for it.
    """

    dialect = "postgresql"

    def _can_reuse(self, conn: Any) -> bool:
        conn.sound_at_s = time.monotonic()
        return True

    def _is_closed(self, conn: Any) -> bool:
        return self.is_stale(conn)

    def is_stale(self, conn: Any) -> bool:
        """Whether an idle connection can no longer be used."""
        if conn.closed or conn.pgconn.transaction_status != TransactionStatus.IDLE:
            return True
        now_s = time.monotonic()
        if now_s - getattr(conn, "sound_at_s", 0.0) < TRUSTED_S:
            return False
        # The server sends nothing on an idle connection but its good-bye (restart, fail-over).
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        if poll.poll(0):
            return True
        conn.sound_at_s = now_s
        return False


class Sqlite(SqliteDatabase):
    """SQLite in WAL mode, safe against power loss. `writers`: the lock for which writers queue. `writes_since`: since
    when a writer has its turn; None: nobody writes."""

    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        pragmas = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": 10_000}
        super().__init__(path, pragmas=pragmas, lock_type="IMMEDIATE", timeout=10)
        self.writers = threading.RLock()
        self.writes_since: int | None = None

    def execute_sql(self, sql: str, params: Any = None) -> sqlite3.Cursor:
        return super().execute_sql(sql.replace("%s", "?") if "%s" in sql else sql, params)

    def rollback(self) -> None:
        """Roll back unless SQLite has done so itself, as it does after some errors (a full disk). A second rollback
        would fail and hide the first error."""
        if self.connection().in_transaction:
            super().rollback()


def open_database(url: str, connections: int = 40) -> Postgres | Sqlite:
    """Point the models at the database of `url` (sqlite:///PATH or postgresql://…). Connects lazily."""
    opened: Postgres | Sqlite
    if url.startswith("sqlite:///"):
        opened = Sqlite(url.removeprefix("sqlite:///"))
    else:
        opened = Postgres(
            url,
            max_connections=connections,
            timeout=10,
            prefer_psycopg3=True,
            connect_timeout=5,
            application_name="booper",
            **DEAD_PEER,
            options=f"{DEAD_PEER_OPTIONS} {LIMITS}",
        )
    database.initialize(opened)
    return opened


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
    """At the end of a request: keep this thread's connection for the next request, or close it if it broke.

    Returning it after each request would cost 7 % of a create. On SQLite it would mean opening the file and setting
    its pragmas each time, which costs more than most requests.
    """
    if (held := _held()) and held.pgconn.transaction_status != TransactionStatus.IDLE:
        database.obj.manual_close()


def drop_if_stale() -> None:
    """At the beginning of a request: close a kept connection that the server has closed meanwhile."""
    if (held := _held()) and database.obj.is_stale(held):
        database.obj.manual_close()


def _held() -> Any:
    """This thread's connection to PostgreSQL, if it has one."""
    opened = database.obj
    return opened.connection() if isinstance(opened, Postgres) and not opened.is_closed() else None


def connections_in_use() -> int:
    """How many connections threads hold just now, at work or kept; 0 on SQLite, which has no pool."""
    return len(database.obj._in_use) if isinstance(database.obj, Postgres) else 0


def close_all() -> None:
    """Close this thread's connection and every pooled one; for the end of a process."""
    if dialect() == "postgresql":
        database.close_all()
    elif not database.is_closed():
        database.close()
