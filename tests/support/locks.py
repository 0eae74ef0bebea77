"""Locks of the database that another session holds, and whether somebody waits for one."""

import contextlib
import sqlite3

import psycopg
import pytest

from models.database.connection import database
from models.database.sql import fetch
from tests.support.waiting import wait_until

WAITING_FOR_LOCKS = """
SELECT count(*) FROM pg_locks
WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())
"""


@contextlib.contextmanager
def held_by_another(db, row, table="job"):
    """Another session was frozen inside a transaction that changes the row."""
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    with psycopg.connect(str(database.obj.database)) as other:
        other.execute(f"UPDATE {table} SET name = name WHERE id = %s", (row.id,))
        yield other
        other.rollback()


@contextlib.contextmanager
def closed_to_writers(db):
    """Another program holds what every writer of jobs needs."""
    if db == "sqlite":
        other = sqlite3.connect(database.obj.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        other = psycopg.connect(str(database.obj.database))
        other.execute("LOCK TABLE job IN EXCLUSIVE MODE")
    with contextlib.closing(other):
        yield
        other.rollback()


def wait_until_a_writer_waits(db):
    """Wait until a thread stands before the lock; on SQLite it has the turn of this process's writers by then."""
    condition = writers_turn_is_taken if db == "sqlite" else lambda: fetch(WAITING_FOR_LOCKS)[0][0]
    wait_until(condition, what="a writer that waits for the lock")


def writers_turn_is_taken():
    writers = database.obj.writers
    if not writers.acquire(blocking=False):
        return True
    writers.release()
    return False
