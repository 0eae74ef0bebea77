"""Keeps the open connections that carry nothing.

One that is used again needs no lookup: its peer was judged when it was opened. The loop watches each, so one that its
target closes is forgotten at once.
"""

import asyncio
import time
from collections import OrderedDict

from workers.transport.connection import Connection, Origin

MAX_IDLE_S = 4.0
MAX_AGE_S = 60.0


class IdleConnections:
    """Keeps at most `most`; the one that has waited longest goes first. Belongs to the loop alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_origin: dict[Origin, dict[Connection, None]] = {}
        self._by_age: OrderedDict[Connection, None] = OrderedDict()
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_age)

    def take(self, origin: Origin) -> Connection | None:
        """The connection to this origin that was used last, if one is usable; the others met are closed."""
        while idle := self._by_origin.get(origin):
            connection = next(reversed(idle))
            self._forget(connection)
            if is_usable(connection):
                return connection
            connection.close()
        return None

    def keep(self, connection: Connection) -> None:
        """Keep it for the next request to its origin."""
        connection.on_closed = self._forget
        self._by_origin.setdefault(connection.origin, {})[connection] = None
        self._by_age[connection] = None
        if len(self._by_age) > self._most:
            self._close_oldest()
        if self._sweep is None and self._by_age:
            self._sweep = asyncio.get_running_loop().call_later(MAX_IDLE_S, self._close_old)

    def close(self) -> None:
        """Close them all, and every one that is to be kept afterwards."""
        self._most = 0
        while self._by_age:
            self._close_oldest()

    def _forget(self, connection: Connection) -> None:
        """Keep it no longer: it is used again, or has closed."""
        connection.on_closed = None
        del self._by_age[connection]
        idle = self._by_origin[connection.origin]
        del idle[connection]
        if not idle:
            del self._by_origin[connection.origin]

    def _close_oldest(self) -> None:
        connection = next(iter(self._by_age))
        self._forget(connection)
        connection.close()

    def _close_old(self) -> None:
        """Close those that have waited too long; look again when the next one will have."""
        self._sweep = None
        while self._by_age:
            left_s = next(iter(self._by_age)).idle_since_s + MAX_IDLE_S - time.monotonic()
            if left_s > 0:
                self._sweep = asyncio.get_running_loop().call_later(left_s, self._close_old)
                return
            self._close_oldest()


def is_usable(connection: Connection) -> bool:
    """Whether it is open, and neither too old nor unused for too long."""
    now_s = time.monotonic()
    is_young = now_s - connection.idle_since_s <= MAX_IDLE_S and now_s - connection.opened_at_s <= MAX_AGE_S
    return is_young and connection.is_open
