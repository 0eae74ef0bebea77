"""Hands an SQLite database on from test to test, with its connection: to copy a file and to open it takes longer than
most tests. A file that a test has not left as it was is not used again."""

import shutil
import sqlite3
from contextlib import contextmanager

from models.database import schema
from models.database.connection import close_all, database, open_database

LARGE = 1000  # pages
AS_OPENED = ("schema_version", "synchronous", "foreign_keys", "busy_timeout", "query_only", "max_page_count")
OTHER_TABLES = ("ticker", "operator_watch", "sqlite_sequence", schema.TABLE)

_kept = []  # the path and the connection


@contextmanager
def own_file(pristine, folder):
    """An empty database in a folder of the test."""
    open_file(shutil.copy(pristine, folder / "test.db"))
    yield
    close_all()


@contextmanager
def kept_file(pristine, make_folder):
    """An empty database, somewhere."""
    opened, state = open_kept_file(pristine, make_folder)
    yield
    close_all_but_file(opened, state)


def open_kept_file(pristine, make_folder):
    """Open an empty database; this thread has the kept connection, as if it were new. Beside it: its state."""
    path, connection = _kept.pop() if _kept else (None, None)
    if connection and not emptied(connection):
        connection.close()
        connection = None
    opened = open_file(path if connection else shutil.copy(pristine, make_folder("kept") / "test.db"), connection)
    return opened, state_of(opened.connection())


def open_file(path, connection=None):
    """Open a database for a test, with a connection of before or a new one."""
    opened = open_database(f"sqlite:///{path}")
    if connection:
        opened._state.set_connection(connection)
    opened.pragma("synchronous", "off", permanent=True)  # no power fails here
    database.connect(reuse_if_open=True)
    return opened


def close_all_but_file(opened, state):
    """Keep this thread's connection, if the test has left it and the file as they were; close what else it opened."""
    if database.obj is opened and not opened.is_closed():
        connection = opened.connection()
        if not connection.in_transaction and state_of(connection) == state:
            opened._state.reset()
            _kept.append((opened.database, connection))
    close_all()


def state_of(connection):
    """The form of the tables, the settings of the connection, whether the file is large, and the migrations."""
    values = [connection.execute(f"PRAGMA {name}").fetchone() for name in AS_OPENED]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    return values, pages > LARGE, connection.execute(f"SELECT * FROM {schema.TABLE}").fetchall()


def emptied(connection):
    """Empty the tables and count from 1 again; whether that succeeded. Another thread may not have ended yet."""
    filled = [name for (name,) in connection.execute(_filled(connection))]
    deletes = "".join(f"DELETE FROM {name};" for name in [*filled, "sqlite_sequence"])
    anew = "UPDATE ticker SET seen_at = 0, delivered_until = 0; UPDATE operator_watch SET watcher = '', looked_at = 0;"
    connection.execute("PRAGMA foreign_keys = 0")  # it does not matter which refers to which
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {deletes} {anew} COMMIT")
    except sqlite3.OperationalError:
        return False
    connection.execute("PRAGMA foreign_keys = 1")
    return True


def _filled(connection):
    """Finds the tables with rows."""
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    names = [name for (name,) in tables if name not in OTHER_TABLES]
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)  # noqa: S608


def close_kept_file():
    while _kept:
        _kept.pop()[1].close()
