"""Group commit: writes the rows that threads have at the same time with one commit, on PostgreSQL by one statement.

On PostgreSQL a statement of one job costs ten times what a further job in it costs. On SQLite each commit waits for the
disk. While one thread writes, the rows of other threads wait in a line. When its commit is done, the first thread of
the line writes all rows of the line. So no row waits for a timer, and a row that comes alone is written at once.

There is a line for each key, and lines do not wait for one another. One lock guards all lines. It is held for a few
steps of Python, never while the database is asked.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

from peewee import OperationalError

from models.database.connection import Unreachable, is_locked, keep_connection
from models.database.postgres import is_silent

LONGEST_WAIT_S = 10.0  # longer than a thread of the API may take to connect and to be answered
LONGEST_WRITE_S = 25.0  # longer than a writer of SQLite may wait for its turn, and then for other programs
NOT_WRITTEN = f"the row waited {LONGEST_WAIT_S:g} s for its turn and was not written"
UNKNOWN = f"the thread that writes this row gave no answer within {LONGEST_WRITE_S:g} s; it may be written or not"

Row = TypeVar("Row")
Result = TypeVar("Result")


class _Entry(Generic[Row]):
    """A row and its thread. `group`: the entries that this thread is to write, its own first; empty: another thread
    writes this row. `is_done`: the result or the error is there."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.group: list[_Entry[Row]] = []
        self.result: Any = None
        self.error: BaseException | None = None
        self.is_done = False
        # Held until the thread is woken. An event would cost each create 4 % of its time.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def finish(self, error: BaseException | None) -> None:
        self.error, self.is_done = error, True

    def wake(self) -> None:
        """Let its thread go on; once at most."""
        self._asleep.release()

    def is_woken_within(self, seconds: float) -> bool:
        return self._asleep.acquire(timeout=seconds)


class GroupCommit(Generic[Row, Result]):
    """`write_all`: writes the rows in one transaction and returns a result for each, in their order."""

    def __init__(self, write_all: Callable[[Sequence[Row]], Sequence[Result]]) -> None:
        self._write_all = write_all
        self._lock = threading.Lock()
        self._lines: dict[Hashable, list[_Entry[Row]]] = {}  # there is one for a key while a thread writes for it

    def write(self, key: Hashable, row: Row) -> Result:
        """Write the row, alone or with those of other threads, and return its result once it is committed.

        If the connection of a group breaks, all threads of the group get that error: nobody knows whether their rows
        were written. If the database is silent or locked, the line gets it too: its threads have waited long already.
        After any other error nothing was written, and each thread of the group writes its own row alone."""
        with suppress(*Unreachable):
            keep_connection()  # gives a scarce one back: threads of the line could hold all, and the writer needs one
        own = _Entry(row)
        if not self._begins(key, own) and not own.is_woken_within(LONGEST_WAIT_S):
            self._give_up(key, own)
        if own.group:
            self._write_group(key, own.group)
        if own.error is None:
            return own.result
        if own.group == [own] or (own.group and isinstance(own.error, Unreachable)):
            raise own.error
        if isinstance(own.error, Unreachable):
            raise OperationalError(str(own.error)) from own.error
        return self._write_all([row])[0]

    def _begins(self, key: Hashable, own: _Entry[Row]) -> bool:
        """Whether no thread writes for this key, so that this one does; otherwise it joins the line."""
        with self._lock:
            line = self._lines.get(key)
            if line is None:
                self._lines[key], own.group = [], [own]
                return True
            line.append(own)
            return False

    def _give_up(self, key: Hashable, own: _Entry[Row]) -> None:
        """Wait no longer for a turn. If another thread writes the row already, wait for its answer instead."""
        with self._lock:
            line = self._lines.get(key, [])
            if own in line:
                line.remove(own)
                raise OperationalError(NOT_WRITTEN)
        if not (own.group or own.is_done or own.is_woken_within(LONGEST_WRITE_S)):
            raise OperationalError(UNKNOWN)

    def _write_group(self, key: Hashable, group: Sequence[_Entry[Row]]) -> None:
        error: BaseException | None = OperationalError("the thread that wrote this row was ended")
        try:
            results = self._write_all([entry.row for entry in group])
            for entry, result in zip(group, results, strict=True):
                entry.result = result
            error = None
        except Exception as raised:  # noqa: BLE001 - each thread raises it, or tries again alone
            error = raised
        finally:
            for entry in group:
                entry.finish(error)
            self._end(key, error)
            for entry in group[1:]:
                entry.wake()

    def _end(self, key: Hashable, error: BaseException | None) -> None:
        """Give the turn to the first of the line; or, if the database is silent or locked, the error to all of it."""
        with self._lock:
            line = self._lines.pop(key)
            if is_silent(error) or is_locked(error):
                for entry in line:
                    entry.finish(error)
                    entry.wake()
            elif line:
                self._lines[key], line[0].group = [], line
                line[0].wake()
