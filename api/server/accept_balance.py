"""Shares new connections among the API's processes: a process that holds two more than another leaves them to others.

A kept-alive connection stays with the process that accepted it. Without this, the process that woke first accepted most
of the connections that arrived together, and did most of the work while the others idled. A process that holds two more
than another waits REST_S, and accepts a connection that is still there.

The counts lie in memory that the processes share by fork. Only its process writes a seat, and the master before the
process begins and after it ends. There is no lock: a count that is read late makes the sharing less even, nothing else.
"""

import mmap
from collections import deque

SEATS = 512
REST_S = 0.002
EMPTY = 1 << 62

_counts = memoryview(mmap.mmap(-1, 8 * SEATS)).cast("q")
_free = deque(range(SEATS))
for _seat in _free:
    _counts[_seat] = EMPTY


def take_seat() -> int | None:
    """In the master: a seat for the process that is about to start; None if all are taken."""
    return _free.popleft() if _free else None


def leave_seat(seat: int | None) -> None:
    """In the master: free the seat of a process that has ended."""
    if seat is not None:
        _counts[seat] = EMPTY
        _free.append(seat)


def note(seat: int | None, connections: int) -> None:
    """In the process: publish how many connections it holds."""
    if seat is not None:
        _counts[seat] = connections


def another_holds_fewer(connections: int) -> bool:
    """Whether an accepting process holds at least two fewer. A difference of one is normal when each connection carries
    one request, and a rest before most of those would halve their rate."""
    return min(_counts) + 1 < connections
