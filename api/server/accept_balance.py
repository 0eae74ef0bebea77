"""Owns which of the API's processes takes a new connection: one that holds hardly more than the others.

A kept-alive connection stays where it was accepted, and the process that woke first took most of those that came at
once: it then did three quarters of the work while the others idled. Now a process that holds two more than another
leaves a new connection to the others for REST_S, and takes it if it is still there then.

The counts lie in memory that the processes share by fork. Each seat is written by its process alone, by the master
before that begins and after it ended; a count read a moment late costs balance and nothing else, so there is no lock.
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
    """In the master: a place for the process that is about to begin; None when there are too many."""
    return _free.popleft() if _free else None


def leave_seat(seat: int | None) -> None:
    """In the master: the process has ended, however it did."""
    if seat is not None:
        _counts[seat] = EMPTY
        _free.append(seat)


def note(seat: int | None, connections: int) -> None:
    """In the process: how many connections it holds now."""
    if seat is not None:
        _counts[seat] = connections


def another_holds_fewer(connections: int) -> bool:
    """Whether some process that accepts holds at least two fewer. Connections of one request each differ by one all the
    time, and a rest before most of them would halve what such clients get."""
    return min(_counts) + 1 < connections
