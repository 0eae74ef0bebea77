"""The requests to one origin that wait for a connection, and how many connections are at work there.

To a target that answers at once a request is best sent on a connection that comes free in a moment, since a new one
costs ten times as much. To a target that takes long, each request needs a connection of its own. So an origin begins
with a few connections, and gets half as many again as often as most of them did not come free within a look: from 16 to
20,000 takes a tenth of a second.
"""

import asyncio
from collections import deque
from typing import Protocol

AT_FIRST = 16
AT_LEAST_MORE = 8
LOOK_EVERY_S = 0.005
AT_ONCE = 16


class Waiter(Protocol):
    """A request that waits for a connection."""

    def dial(self) -> None:
        """Open one of its own."""


class Line:
    """The waiting requests of one origin, first come, first served. On the loop alone."""

    def __init__(self) -> None:
        self.waiting: deque[Waiter] = deque()
        self.at_work = 0  # connections that carry a request or are being opened for one
        self._freed = 0  # since the last look
        self._is_looking = False

    def join(self, waiter: Waiter) -> None:
        """Open a connection for it, or let it wait for one."""
        if self.at_work < AT_FIRST:
            self.at_work += 1
            waiter.dial()
            return
        self.waiting.append(waiter)
        if not self._is_looking:
            self._look_next()

    def leave(self) -> Waiter | None:
        """One of the connections at work is free or closed; returns whose turn it is."""
        self._freed += 1
        if self.waiting:
            return self.waiting.popleft()
        self.at_work -= 1
        return None

    def _look_next(self) -> None:
        self._is_looking, self._freed = True, 0
        asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        are_slow = self._freed * 2 < self.at_work
        self._open(max(AT_LEAST_MORE, self.at_work // 2) if are_slow else 0)

    def _open(self, more: int) -> None:
        """Open so many more connections, a few before each look at what came."""
        for _ in range(min(more, AT_ONCE, len(self.waiting))):
            self.at_work += 1
            self.waiting.popleft().dial()
        if more > AT_ONCE and self.waiting:
            asyncio.get_running_loop().call_soon(self._open, more - AT_ONCE)
        elif self.waiting:
            self._look_next()
        else:
            self._is_looking = False
