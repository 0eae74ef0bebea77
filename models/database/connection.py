"""Owns the connection to the database: opening it by URL, transactions and what follows them, sets of rows as SQL.

The same SQL text serves both databases. PostgreSQL hands each thread a connection from a pool; SQLite gives each
thread its own. Writers on SQLite take one lock in turn before BEGIN IMMEDIATE: SQLite's own waiting polls with growing
sleeps, which costs tens of milliseconds under contention.
"""

import json
import select
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from peewee import DatabaseProxy, InterfaceError, InternalError, OperationalError, SqliteDatabase
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase
from psycopg.pq import TransactionStatus


class _AfterCommit(threading.local):
    """What this thread does once its transaction is committed."""

    def __init__(self) -> None:
        self.depth = 0
        self.calls: list[Callable[[], object]] = []


_after_commit = _AfterCommit()
# InternalError is among them: it is how psycopg tells of a database that is read-only for now (a fail-over).
Unreachable = (OperationalError, InterfaceError, InternalError, MaxConnectionsExceeded)
database = DatabaseProxy()
BELIEVED_S = 0.1
BRIEFLY_MS = 2000
# A peer that vanished without a word is noticed within seconds, on both ends.
DEAD_PEER: dict[str, Any] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# A process that was frozen inside a transaction holds its locks no longer than a lease.
LIMITS = "-c statement_timeout=60000 -c lock_timeout=20000 -c idle_in_transaction_session_timeout=20000"
DEAD_PEER_OPTIONS = "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3"


class Postgres(PooledPostgresqlDatabase):
    """PostgreSQL with a pool that notices connections the server has closed while they lay idle.

    One that came back to the pool or was found sound a moment ago is believed: to look at each would let go of the
    interpreter with the pool locked, and all threads would wait for it.
    """

    dialect = "postgresql"

    def _can_reuse(self, conn: Any) -> bool:
        conn.sound_at_s = time.monotonic()
        return True

    def _is_closed(self, conn: Any) -> bool:
        return self.is_stale(conn)

    def is_stale(self, conn: Any) -> bool:
        """Whether a connection that lay idle can be used no more."""
        if conn.closed or conn.pgconn.transaction_status != TransactionStatus.IDLE:
            return True
        now_s = time.monotonic()
        if now_s - getattr(conn, "sound_at_s", 0.0) < BELIEVED_S:
            return False
        # An idle connection has nothing to read; if it has, the server said good-bye (restart, fail-over).
        poll = select.poll()
        poll.register(conn.fileno(), select.POLLIN)
        if poll.poll(0):
            return True
        conn.sound_at_s = now_s
        return False


class Sqlite(SqliteDatabase):
    """SQLite in WAL mode, safe against power loss, with writers in turn."""

    dialect = "sqlite"

    def __init__(self, path: str) -> None:
        pragmas = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": 10_000}
        super().__init__(path, pragmas=pragmas, lock_type="IMMEDIATE", timeout=10)
        self.writers = threading.RLock()

    def execute_sql(self, sql: str, params: Any = None) -> sqlite3.Cursor:
        return super().execute_sql(sql.replace("%s", "?") if "%s" in sql else sql, params)

    def rollback(self) -> None:
        """SQLite itself has rolled back after some errors (a full disk): asked again, it would hide them by another."""
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
def transaction() -> Iterator[None]:
    """One transaction that may write. On SQLite the process's writers take turns; nesting joins the outer one, without
    a savepoint: whoever wants to go on after an error inside asks for `database.atomic()`."""
    with _run_after_commit():
        if dialect() == "sqlite":
            with database.obj.writers, database.atomic():
                yield
        elif database.in_transaction():
            yield
        else:
            with database.atomic():
                yield


@contextmanager
def _run_after_commit() -> Iterator[None]:
    """After the outermost block: do what was asked by `after_commit`; what a block that failed asked for is dropped."""
    asked = len(_after_commit.calls)
    _after_commit.depth += 1
    try:
        yield
    except BaseException:
        del _after_commit.calls[asked:]
        raise
    finally:
        _after_commit.depth -= 1
    if not _after_commit.depth:
        calls, _after_commit.calls = _after_commit.calls, []
        for call in calls:
            call()


def after_commit(call: Callable[[], object]) -> None:
    """Call this once what the thread is writing is committed, and never if it is rolled back; at once outside of a
    transaction. It must not fail."""
    if _after_commit.depth:
        _after_commit.calls.append(call)
    else:
        call()


def write_turn() -> AbstractContextManager[None]:
    """For one statement: on PostgreSQL a transaction of its own; on SQLite a turn among the writers, which may have to
    be waited for. "Now" is to be asked within."""
    return nullcontext() if dialect() == "postgresql" else transaction()


@contextmanager
def connection() -> Iterator[None]:
    """A connection for this thread for the length of the block; given back at the end, whatever happened."""
    database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        release_connection()


def release_connection() -> None:
    """Return this thread's connection to the pool (a broken one is thrown away)."""
    if database.is_closed():
        return
    if dialect() == "postgresql" and not database.is_connection_usable():
        database.manual_close()
    else:
        database.close()


def keep_connection() -> None:
    """The end of a request: its thread keeps the connection for the next one, unless that broke. To return it each time
    would cost a tenth of a create; on SQLite, opening a file and its pragmas would cost more than most requests."""
    if (held := _held()) and held.pgconn.transaction_status != TransactionStatus.IDLE:
        database.obj.manual_close()


def drop_if_stale() -> None:
    """The beginning of a request: a kept connection that the server has closed meanwhile is thrown away."""
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


def values_table(columns: str, rows: Sequence[tuple[Any, ...]]) -> tuple[str, list[Any]]:
    """A set of rows as a table expression that never changes its text with their number.

    `columns`: "id bigint, claim_id bigint, note text". Returns SQL for use as `FROM {sql} AS given` and its parameters.
    A constant text lets PostgreSQL keep one prepared plan for sets of any size.
    """
    named = [column.split() for column in columns.split(", ")]
    if dialect() == "postgresql":
        return _unnest(tuple(map(tuple, named))), [list(column) for column in zip(*rows, strict=True)]
    picks = ", ".join(f"value ->> {index} AS {name}" for index, (name, _) in enumerate(named))
    return f"(SELECT {picks} FROM json_each(%s))", [json.dumps(rows)]


def _unnest(named: tuple[tuple[str, ...], ...]) -> str:
    arrays = ", ".join(f"%b::{kind}[]" for _, kind in named)
    names = ", ".join(name for name, _ in named)
    return f"(SELECT * FROM unnest({arrays}) AS u({names}))"


def any_of(column: str, values: Sequence[Any], kind: str = "bigint") -> tuple[str, Any]:
    """The condition that a column of this kind holds one of the values, and its parameter. A join with a sub-select
    would say the same, but PostgreSQL's planner, misled by a partial index that was nearly empty when it last looked,
    then runs the sub-select once a row."""
    if dialect() == "postgresql":
        return f"{column} = ANY(%s::{kind}[])", list(values)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))


def wait_briefly_for_locks() -> None:
    """Within a transaction: until its end; else from now on, on this connection. For those who look after all jobs, who
    may not wait long for a row that somebody holds."""
    if dialect() == "postgresql":
        local = "LOCAL " if database.in_transaction() else ""
        database.execute_sql(f"SET {local}lock_timeout = {BRIEFLY_MS}")


def skipping_locked() -> str:
    """For the end of a SELECT: lock its rows, but leave out those that another session holds, and so wait for nobody.
    One that was frozen or cut off inside a transaction must not stop those who look after all jobs."""
    return " FOR UPDATE SKIP LOCKED" if dialect() == "postgresql" else ""


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Every row the statement gives, as tuples."""
    return database.execute_sql(sql, params).fetchall()


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    """How many rows the statement changed."""
    return database.execute_sql(sql, params).rowcount
