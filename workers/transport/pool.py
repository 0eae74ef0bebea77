"""Says on which connection a request goes out: an idle one, the next that comes free, or a new one.

To a target that answers at once a request is best sent on a connection that comes free in a moment, since a new one
costs ten times as much. To a target that takes long, each request needs a connection of its own. So an origin begins
with a few connections, and gets half as many again every 5 ms while most of them do not come free.
"""

import asyncio
import time
from collections import OrderedDict
from typing import Protocol

from workers.transport.connection import Connection, Origin
from workers.transport.idle_connections import IdleConnections, is_usable

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
    """Holds what goes to one origin."""

    __slots__ = ("at_work", "freed", "is_watched", "waiting")

    def __init__(self) -> None:
        self.waiting: OrderedDict[Sender, None] = OrderedDict()
        self.at_work = 0  # connections that carry a request or are being opened for one
        self.freed = 0  # since the last look
        self.is_watched = False


class Pool:
    """Gives connections to senders, and keeps at most `most` idle ones. Belongs to the loop alone.

    Who wants to send calls `serve`, and has then to call `put` or `drop` with its connection, or `give_up` when it got
    none.
    """

    def __init__(self, most: int) -> None:
        self.idle = IdleConnections(most)
        self._lanes: dict[Origin, _Lane] = {}

    def serve(self, origin: Origin, sender: Sender) -> None:
        """Have the sender send on an idle connection, or dial, or wait for its turn."""
        lane = self._lanes.get(origin)
        if lane is None:
            lane = self._lanes[origin] = _Lane()
        connection = self.idle.take(origin)
        if connection is None and lane.at_work >= AT_FIRST:
            lane.waiting[sender] = None
            if not lane.is_watched:
                self._look_next(lane)
            return
        lane.at_work += 1
        if connection is None:
            sender.dial()
        else:
            sender.send_on(connection)

    def leave(self, origin: Origin, sender: Sender) -> None:
        """Take the sender out, which waits no longer."""
        self._lanes[origin].waiting.pop(sender, None)

    def put(self, connection: Connection) -> None:
        """Take back a connection that may be used again."""
        connection.release()
        connection.idle_since_s = time.monotonic()
        if not is_usable(connection):
            self.drop(connection)
        elif (sender := self._next(connection.origin)) is not None:
            sender.send_on(connection)
        else:
            self.idle.keep(connection)

    def drop(self, connection: Connection) -> None:
        """Take back a connection that may not be used again."""
        connection.close()
        self.give_up(connection.origin)

    def give_up(self, origin: Origin) -> None:
        """Note that a connection at work has closed, or was not to be had."""
        if (sender := self._next(origin)) is not None:
            sender.dial()

    def _next(self, origin: Origin) -> Sender | None:
        """Note that a connection at work is free or closed; returns whose turn it is."""
        lane = self._lanes[origin]
        lane.freed += 1
        if lane.waiting:
            return lane.waiting.popitem(last=False)[0]
        lane.at_work -= 1
        if not lane.at_work:
            del self._lanes[origin]
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
