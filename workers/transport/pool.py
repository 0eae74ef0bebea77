"""Keeps the open connections of each origin, and says which request goes out on which: an idle one, the next that comes
free, or a new one.

To a target that answers at once a request is best sent on a connection that comes free in a moment, since a new one
costs ten times as much. To a target that takes long, each request needs a connection of its own. So an origin begins
with a few connections, and gets half as many again every 5 ms while most of them do not come free.
"""

import asyncio
import time
from collections import OrderedDict
from typing import Protocol

from workers.transport.connection import Connection, Origin

MAX_IDLE_S = 4.0
MAX_AGE_S = 60.0
AT_FIRST = 16
AT_LEAST_MORE, AT_MOST_MORE = 8, 64  # at once; the loop looks at its sockets between
LOOK_EVERY_S = 0.005


class Sender(Protocol):
    """Wants to send one request."""

    def send_on(self, connection: Connection) -> None:
        """Send on a connection that was used before."""

    def dial(self) -> None:
        """Open a connection and send on it."""


class _Lane:
    """Holds what there is of one origin."""

    __slots__ = ("at_work", "freed", "idle", "is_watched", "waiting")

    def __init__(self) -> None:
        self.idle: dict[Connection, None] = {}  # in the order of their last use
        self.waiting: OrderedDict[Sender, None] = OrderedDict()
        self.at_work = 0  # connections that carry a request or are being opened for one
        self.freed = 0  # since the last look
        self.is_watched = False


class Pool:
    """Keeps at most `most` idle connections; the one that has waited longest goes first. Belongs to the loop alone.

    Who wants to send calls `serve`, and has then to call `put` or `drop` with its connection, or `give_up` when it got
    none. The loop watches idle connections, so one that its target closes leaves the pool at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[Origin, _Lane] = {}
        self._by_age: OrderedDict[Connection, None] = OrderedDict()
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._by_age)

    def serve(self, origin: Origin, sender: Sender) -> None:
        """Have the sender send on the idle connection that was used last, or dial, or wait for its turn. One that is
        used again needs no lookup: its peer was judged when it was opened."""
        lane = self._lanes.get(origin)
        if lane is None:
            lane = self._lanes[origin] = _Lane()
        while lane.idle:
            connection = next(reversed(lane.idle))
            self._take_out(connection)
            if _is_usable(connection):
                lane.at_work += 1
                sender.send_on(connection)
                return
            connection.close()
        if lane.at_work < AT_FIRST:
            lane.at_work += 1
            sender.dial()
            return
        lane.waiting[sender] = None
        if not lane.is_watched:
            self._look_next(lane)

    def leave(self, origin: Origin, sender: Sender) -> None:
        """Take the sender out, which waits no longer."""
        self._lanes[origin].waiting.pop(sender, None)

    def put(self, connection: Connection) -> None:
        """Take back a connection that may be used again."""
        connection.release()
        connection.idle_since_s = time.monotonic()
        if not _is_usable(connection):
            self.drop(connection)
        elif (sender := self._next(connection.origin)) is not None:
            sender.send_on(connection)
        else:
            self._keep(connection)

    def drop(self, connection: Connection) -> None:
        """Take back a connection that may not be used again."""
        connection.close()
        self.give_up(connection.origin)

    def give_up(self, origin: Origin) -> None:
        """Note that a connection at work has closed, or was not to be had."""
        if (sender := self._next(origin)) is not None:
            sender.dial()
        else:
            self._forget_if_empty(origin)

    def close(self) -> None:
        """Close them all, and every one that is put here afterwards."""
        self._most = 0
        while self._by_age:
            self._close_oldest()

    def _next(self, origin: Origin) -> Sender | None:
        """Note that a connection at work is free or closed; returns whose turn it is."""
        lane = self._lanes[origin]
        lane.freed += 1
        if lane.waiting:
            return lane.waiting.popitem(last=False)[0]
        lane.at_work -= 1
        return None

    def _look_next(self, lane: _Lane) -> None:
        lane.is_watched, lane.freed = True, 0
        asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look, lane)

    def _look(self, lane: _Lane) -> None:
        """Open more connections if most of those at work did not come free."""
        is_slow = lane.freed * 2 < lane.at_work
        more = min(AT_MOST_MORE, max(AT_LEAST_MORE, lane.at_work // 2)) if is_slow else 0
        for _ in range(min(more, len(lane.waiting))):
            lane.at_work += 1
            lane.waiting.popitem(last=False)[0].dial()
        if lane.waiting:
            self._look_next(lane)
        else:
            lane.is_watched = False

    def _keep(self, connection: Connection) -> None:
        connection.on_closed = self._discard
        self._lanes[connection.origin].idle[connection] = None
        self._by_age[connection] = None
        if len(self._by_age) > self._most:
            self._close_oldest()
        if self._sweep is None and self._by_age:
            self._sweep = asyncio.get_running_loop().call_later(MAX_IDLE_S, self._close_old)

    def _take_out(self, connection: Connection) -> None:
        connection.on_closed = None
        del self._by_age[connection]
        del self._lanes[connection.origin].idle[connection]

    def _discard(self, connection: Connection) -> None:
        """Forget an idle connection, which has closed."""
        self._take_out(connection)
        self._forget_if_empty(connection.origin)

    def _forget_if_empty(self, origin: Origin) -> None:
        if not self._lanes[origin].at_work and not self._lanes[origin].idle:
            del self._lanes[origin]

    def _close_oldest(self) -> None:
        connection = next(iter(self._by_age))
        self._discard(connection)
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
