"""Lets one process watch at a time, by the one row of `operator_watch`, and says how long nobody could.

The watcher writes the row at each look. Another process takes the turn when the row has stood still for TAKE_AFTER_S by
its own steady clock, while the database answered it. So the clocks of hosts are never compared.
"""

from typing import NamedTuple

from models.database.ids import new_id
from models.database.sql import execute, fetch
from models.database.transactions import write_turn

TAKE_AFTER_S = 60.0


class Row(NamedTuple):
    """`watcher`: a fresh id for each process; empty: nobody's turn. `looked_at`: 0 after a stop in order."""

    watcher: str
    looked_at: int


class Turn:
    """A process's part in the watch."""

    def __init__(self) -> None:
        self.watcher = str(new_id())
        self._seen = Row("", -1)
        self._seen_s = 0.0  # when the row was new here

    def take(self, now: int, steady_s: float) -> int | None:
        """When the watch looked last, 0 if it was stopped in order; None: it is another process's turn."""
        row = read()
        if row != self._seen:
            self._seen, self._seen_s = row, steady_s
        is_free = row.watcher in ("", self.watcher) or steady_s - self._seen_s >= TAKE_AFTER_S
        return row.looked_at if is_free and _write(row, Row(self.watcher, now)) else None

    def forget(self) -> None:
        """Begin anew to see whether the row stands still: while the database was away, it did for everybody."""
        self._seen = Row("", -1)

    def keep(self, now: int) -> bool:
        """Show between two slow steps of a look that it goes on; whether it is still this process's turn."""
        row = read()
        return row.watcher == self.watcher and _write(row, Row(self.watcher, now))

    def leave(self) -> None:
        """Let another process watch: this one stops in order."""
        row = read()
        if row.watcher == self.watcher:
            _write(row, Row("", 0))


def read() -> Row:
    return Row(*fetch("SELECT watcher, looked_at FROM operator_watch WHERE id = 1")[0])


def _write(before: Row, after: Row) -> bool:
    """Whether the row was still as before."""
    with write_turn():
        sql = "UPDATE operator_watch SET watcher = %s, looked_at = %s WHERE id = 1 AND watcher = %s AND looked_at = %s"
        return bool(execute(sql, (*after, *before)))
