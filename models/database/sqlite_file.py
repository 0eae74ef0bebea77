"""Looks into a database file of SQLite, copies it while it is in use, and tells whether somebody writes to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

BUSY_S = 5.0
PAGES_AT_ONCE = 2_000  # a writer waits no longer than a copy of so many takes
PAUSE_S = 0.01
LOCK_S = 0.2


def problems(path: Path) -> list[str]:
    """What is wrong with the file, at most ten lines; none: it is sound. Raises sqlite3.Error if it is unreadable."""
    with closing(_open(path, "ro")) as file:
        try:
            rows = file.execute("PRAGMA quick_check(10)").fetchall()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            return [str(error)]
    return [text for (text,) in rows if text != "ok"]


def tables(path: Path) -> set[str]:
    with closing(_open(path, "ro")) as file:
        return {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def copy(source: Path, target: Path) -> None:
    """Copy a database that may be in use, as it is at one instant, into a new file that needs no other beside it."""
    with closing(_open(source, "ro")) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written, pages=PAGES_AT_ONCE, sleep=PAUSE_S)
        written.execute("PRAGMA journal_mode = delete")


def is_in_use(path: Path) -> bool:
    """Whether another process has the database open. In WAL mode an exclusive lock needs to be alone."""
    with closing(sqlite3.connect(path, timeout=LOCK_S, isolation_level=None)) as file:
        try:
            file.execute("PRAGMA locking_mode = exclusive")
            file.execute("BEGIN EXCLUSIVE")
            file.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            return True
    return False


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S)
