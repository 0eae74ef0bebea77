"""Group commit: writes the rows that threads have at the same time by one statement and one commit.

On PostgreSQL a statement of one job costs ten times what a further job in it costs. On SQLite each commit waits for the
disk. While one thread writes, the rows of the others gather; when its commit is done, the first of these threads writes
all that have gathered. So no row waits for a timer, and a row that comes alone is written at once.

Rows gather by a key, and those of different keys do not wait for one another. One lock guards all lines; it is held for
some steps of Python, never while a database is asked.
"""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, TypeVar

from peewee import OperationalError

from models.database.connection import Unreachable

LONGEST_WAIT_S = 10.0  # longer than a thread of the API may take to connect and to be answered

Row = TypeVar("Row")
Result = TypeVar("Result")


class _Entry(Generic[Row]):
    """A row and its thread. `group`: the entries that this thread is to write, its own first; empty: another thread
    writes this row. `result` and `error` are set before the thread is woken."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.group: list[_Entry[Row]] = []
        self.result: Any = None
        self.error: BaseException | None = None
        # Held until the thread is woken. An event would cost each create 4 % of its time.
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def wake(self, error: BaseException | None = None) -> None:
        """Let its thread go on; once at most."""
        self.error = error
        self._asleep.release()

    def is_woken_in_time(self) -> bool:
        return self._asleep.acquire(timeout=LONGEST_WAIT_S)


class GroupCommit(Generic[Row, Result]):
    """`write_all`: writes the rows in one transaction and returns a result for each, in their order."""

    def __init__(self, write_all: Callable[[Sequence[Row]], Sequence[Result]]) -> None:
        self._write_all = write_all
        self._lock = threading.Lock()
        self._lines: dict[Hashable, list[_Entry[Row]]] = {}  # there is one for a key while a thread writes for it

    def write(self, key: Hashable, row: Row) -> Result:
        """Write the row, alone or with those of other threads, and return its result once it is committed.

        Where the database could not be reached, all rows of the group and all that wait get this error: nobody knows
        whether they were written. After any other error nothing was, and each thread writes its own row alone."""
        own = _Entry(row)
        if not self._begins(key, own) and not own.is_woken_in_time() and self._is_withdrawn(key, own):
            raise OperationalError(f"the thread that wrote this row gave no answer within {LONGEST_WAIT_S:g} s")
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

    def _is_withdrawn(self, key: Hashable, own: _Entry[Row]) -> bool:
        """Leave the line for want of an answer. False: the answer, or the turn to write, came just now."""
        with self._lock:
            line = self._lines.get(key, [])
            if own in line:
                line.remove(own)
            return not own.group and own.error is None and own.result is None

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
            self._end(key, error)
            group[0].error = error
            for entry in group[1:]:
                entry.wake(error)

    def _end(self, key: Hashable, error: BaseException | None) -> None:
        """Give the turn to the first that waits; or the error to all, if the database can't be reached."""
        with self._lock:
            line = self._lines.pop(key)
            if isinstance(error, Unreachable):
                for entry in line:
                    entry.wake(error)
            elif line:
                self._lines[key], line[0].group = [], line
                line[0].wake()
