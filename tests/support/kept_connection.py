"""Hands a connection to PostgreSQL on from test to test: a new one takes longer than most tests, since its server
process reads the catalog anew. What a test did to its session is undone."""

from contextlib import contextmanager

from psycopg.pq import TransactionStatus

from models.database.connection import close_all, database, open_database
from models.database.postgres import OF_WORK, set_limits
from tests.support.databases import empty_tables

UNDO = "RESET ALL; CLOSE ALL; UNLISTEN *; DISCARD TEMP; SELECT pg_advisory_unlock_all()"

_kept = []


@contextmanager
def kept_database(url):
    """The database of this URL, emptied."""
    opened = open_with_kept(url)
    empty_tables()
    database.connect(reuse_if_open=True)
    yield
    close_all_but_one(opened)


def open_with_kept(url):
    """Open the database of this URL, always the same; this thread has the kept connection, as if it were new."""
    pool = open_database(url)
    while _kept:
        connection = _kept.pop()
        if pool.is_stale(connection):
            connection.close()
        else:
            connection.execute(UNDO, prepare=False)
            set_limits(connection, OF_WORK)
            take(pool, connection)
    return pool


def take(pool, connection):
    """What the pool does with one that it has opened for this thread."""
    connection.reply_s, connection.sound_at_s = OF_WORK.reply_s, 0.0
    pool._state.reset()
    pool._used.add(connection)
    pool._state.set_connection(connection)
    pool.server_version = connection.info.server_version


def close_all_but_one(pool):
    """Keep this thread's connection, if the test has left it as sound as it was; close all others."""
    if database.obj is pool and not pool.is_closed():
        connection = pool.connection()
        if not connection.closed and connection.pgconn.transaction_status == TransactionStatus.IDLE:
            pool._state.reset()
            pool._used.discard(connection)
            _kept.append(connection)
    close_all()


def close_kept():
    while _kept:
        _kept.pop().close()
