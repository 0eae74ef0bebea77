"""Runs transactions that may write, and the calls that wait for their commit.

On SQLite the writers of a process take one lock in turn before BEGIN IMMEDIATE. SQLite itself waits by polling with
growing sleeps, which costs tens of milliseconds under contention.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from peewee import OperationalError
from psycopg.errors import LockNotAvailable

from models.database.connection import SQLITE_WAIT_S, database, dialect
from models.rules import clock

BRIEFLY_MS = 2000


class _AfterCommit(threading.local):
    """What this thread calls once its transaction is committed."""

    def __init__(self) -> None:
        self.depth = 0
        self.calls: list[Callable[[], object]] = []


_after_commit = _AfterCommit()


@contextmanager
def transaction() -> Iterator[None]:
    """One transaction that may write. Nested ones join the outer one without a savepoint: whoever wants to continue
    after an error inside uses `database.atomic()`."""
    with _run_after_commit():
        if dialect() == "sqlite":
            with _turn(), database.atomic():
                yield
        elif database.in_transaction():
            yield
        else:
            with database.atomic():
                yield


@contextmanager
def _turn() -> Iterator[None]:
    """Take a turn among the writers of SQLite, and note since when this thread has it. Waits no longer than SQLite
    itself would: a file that another program has locked holds up the first writer, and all others behind it."""
    opened = database.obj
    if not opened.writers.acquire(timeout=SQLITE_WAIT_S):
        raise OperationalError(f"database is locked: no turn to write within {SQLITE_WAIT_S} s")
    outer, opened.writes_since = opened.writes_since, opened.writes_since or clock.now()
    try:
        yield
    finally:
        opened.writes_since = outer
        opened.writers.release()


@contextmanager
def _run_after_commit() -> Iterator[None]:
    """Make the calls of `after_commit` after the outermost block; drop those of a block that failed."""
    calls_before = len(_after_commit.calls)
    _after_commit.depth += 1
    try:
        yield
    except BaseException:
        del _after_commit.calls[calls_before:]
        raise
    finally:
        _after_commit.depth -= 1
    if not _after_commit.depth:
        calls, _after_commit.calls = _after_commit.calls, []
        for call in calls:
            call()


def after_commit(call: Callable[[], object]) -> None:
    """Call this once this thread's transaction is committed, and never if it is rolled back; at once outside of a
    transaction. `call` must not fail."""
    if _after_commit.depth:
        _after_commit.calls.append(call)
    else:
        call()


def write_turn() -> AbstractContextManager[None]:
    """For one statement: on PostgreSQL a transaction of its own; on SQLite a turn among the writers. The caller may
    wait for the turn, so it reads the clock inside."""
    return nullcontext() if dialect() == "postgresql" else transaction()


def wait_briefly_for_locks(limit_ms: int | None = None) -> None:
    """Wait at most BRIEFLY_MS, or so long, for a lock: until the end of the transaction, or else from now on, on this
    connection.

    For duties that look after all jobs: they must not wait long for one row that somebody holds.
    """
    if dialect() == "postgresql":
        local = "LOCAL " if database.in_transaction() else ""
        database.execute_sql(f"SET {local}lock_timeout = {limit_ms or BRIEFLY_MS}")


def waited_for_a_lock(error: Exception) -> bool:
    """Whether the database gave this error because another session held a lock for too long."""
    return any(isinstance(each, LockNotAvailable) for each in (error, error.__cause__, error.__context__))
