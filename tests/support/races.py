"""Owns races: calls made at the same moment by threads with a connection each, and rows that another session holds."""

import concurrent.futures
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg

from models.database.connection import connection, database, dialect
from models.database.transactions import transaction

LONGEST_WAIT_S = 60


def at_once(*calls):
    """Make all calls at the same moment. What each returned, or the exception that ended it, in their order."""
    together = threading.Barrier(len(calls))

    def make(call):
        with connection():
            together.wait(LONGEST_WAIT_S)
            return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(make, call) for call in calls]
    return [future.exception() or future.result() for future in futures]


@contextlib.contextmanager
def held_elsewhere(table, row_id):
    """Another session of PostgreSQL is inside a transaction that has changed this row."""
    with psycopg.connect(str(database.obj.database)) as session:
        session.execute(f"UPDATE {table} SET account_id = account_id WHERE id = %s", (row_id,))
        yield
        session.rollback()


def beside(first, second, then=lambda: None):
    """What `second` returned, or the exception that ended it, when it was called by another session while `first` had
    been done and not been committed. On PostgreSQL the commit comes when `second` waits for a lock, or has ended, after
    a call of `then`."""
    with ThreadPoolExecutor(1) as pool:
        with transaction():
            first()
            future = pool.submit(_connected, second)
            while dialect() == "postgresql" and not future.done() and not _waits_for_a_lock():
                concurrent.futures.wait([future], 0.005)
            then()
        return future.exception() or future.result()


def _connected(call):
    with connection():
        return call()


def _waits_for_a_lock():
    """Whether a session of this database does. Asked by a session of its own: within a transaction the answer would
    stay the same."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(str(database.obj.database), autocommit=True) as session:
        return session.execute(waiting).fetchone() is not None


def map_at_once(act, arguments):
    """Call `act` with each argument at the same moment, each in a thread with a connection of its own that is given
    back; the results in order. Raises the first error."""
    arguments = list(arguments)
    barrier = threading.Barrier(len(arguments))

    def run(argument):
        with connection():
            barrier.wait(LONGEST_WAIT_S)
            return act(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments, timeout=LONGEST_WAIT_S))
