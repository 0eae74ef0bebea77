"""Looks into a database file of SQLite, copies it while it is in use, and keeps others from opening it."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_S = 5.0
PAGES_AT_ONCE = 2_000  # a writer waits no longer than a copy of so many takes
PAUSE_S = 0.01
LOCK_BYTES = (512, 0x4000_0000)  # how many, from where: of them SQLite locks some while a file is open in WAL mode


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


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Keep other processes from opening the database, if there is one. False: a process has it open, in WAL mode.

    SQLite does not open the file: it would empty or delete the `-wal` beside it.
    """
    if not path.exists():
        yield True
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *LOCK_BYTES)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            yield False
            return
        yield True


def _open(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S)
