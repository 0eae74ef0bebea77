"""The open connections that no exchange uses. One that is used again needs no lookup: its peer was judged when it was
opened. The loop watches each, so one that its target closes leaves the pool at once."""

import asyncio
import time
from collections import OrderedDict
from typing import Protocol

from workers.transport.connection import Connection, Origin
from workers.transport.line import Line, Waiter

MAX_IDLE_S = 4.0
MAX_AGE_S = 60.0


class Sender(Waiter, Protocol):
    """A request that `take` gave no connection."""

    def send_on(self, connection: Connection) -> None: ...


class Pool:
    """At most `most` idle connections; the one that has waited longest goes first. On the loop alone.

    Who wants to send calls `take`, and `wait` if that gave nothing; afterwards `put` or `drop`, or `give_up` when no
    connection could be opened.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_origin: dict[Origin, dict[Connection, None]] = {}
        self._by_age: OrderedDict[Connection, None] = OrderedDict()
        self._lines: dict[Origin, Line] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_age)

    def take(self, origin: Origin) -> Connection | None:
        """The connection to this origin that was used last, if one is young and open; the others met are closed."""
        while idle := self._by_origin.get(origin):
            connection = next(reversed(idle))
            self.discard(connection)
            if _is_usable(connection):
                self._line(origin).at_work += 1
                return connection
            connection.close()
        return None

    def wait(self, origin: Origin, sender: Sender) -> None:
        """Have the sender dial, or send on the next connection that comes free."""
        self._line(origin).join(sender)

    def put(self, connection: Connection) -> None:
        """The connection may be used again."""
        connection.release()
        connection.idle_since_s = time.monotonic()
        if not _is_usable(connection):
            self.drop(connection)
        elif (sender := self._leave(connection.origin)) is not None:
            # Not at once: one refused waiter after another would nest ever deeper.
            asyncio.get_running_loop().call_soon(sender.send_on, connection)
        else:
            self._keep(connection)

    def drop(self, connection: Connection) -> None:
        """The connection may not be used again."""
        connection.close()
        self.give_up(connection.origin)

    def give_up(self, origin: Origin) -> None:
        """A connection at work has closed, or was not to be had."""
        if (sender := self._leave(origin)) is not None:
            sender.dial()

    def _line(self, origin: Origin) -> Line:
        line = self._lines.get(origin)
        if line is None:
            line = self._lines[origin] = Line()
        return line

    def _leave(self, origin: Origin) -> Sender | None:
        line = self._lines[origin]
        sender = line.leave()
        if not line.at_work:
            del self._lines[origin]
        return sender  # type: ignore[return-value]

    def _keep(self, connection: Connection) -> None:
        connection.pool = self
        self._by_origin.setdefault(connection.origin, {})[connection] = None
        self._by_age[connection] = None
        if len(self._by_age) > self._most:
            self._close_oldest()
        if self._sweep is None and self._by_age:
            self._sweep = asyncio.get_running_loop().call_later(MAX_IDLE_S, self._close_old)

    def discard(self, connection: Connection) -> None:
        """It is used again, or has closed."""
        connection.pool = None
        del self._by_age[connection]
        waiting = self._by_origin[connection.origin]
        del waiting[connection]
        if not waiting:
            del self._by_origin[connection.origin]

    def close(self) -> None:
        """Close them all, and every one that is put here afterwards."""
        self._most = 0
        while self._by_age:
            self._close_oldest()

    def _close_oldest(self) -> None:
        connection = next(iter(self._by_age))
        self.discard(connection)
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


def _is_usable(connection: Connection) -> bool:
    now_s = time.monotonic()
    is_young = now_s - connection.idle_since_s <= MAX_IDLE_S and now_s - connection.opened_at_s <= MAX_AGE_S
    return is_young and connection.is_open
