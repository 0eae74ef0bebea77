"""Computes when the next requests of a gate may start, from its limits and the starts that its rate counts. Pure.

A rate allows at most `rate` starts in any window of `per_us`, wherever the window begins. So a start may not come
before the one that is `rate` starts older has left the window.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Pace(NamedTuple):
    """What limits a gate at this moment.

    `rate` None: no rate. `free`: how many starts the window still takes. `oldest`: the instants of the starts that
    leave the window next, oldest first. `room`: how many more requests may be under way; None: no such limit."""

    rate: int | None = None
    per_us: int = 0
    free: int = 0
    oldest: Sequence[int] = ()
    room: int | None = None


def turn(pace: Pace, place: int, now: int) -> int | None:
    """The earliest instant for the request at this place; place 0 is the next one. None: not known, since it waits for
    others to end."""
    if pace.room is not None and place >= pace.room:
        return None
    if pace.rate is None:
        return now
    windows, place_in_window = divmod(place, pace.rate)
    leaving = place_in_window - pace.free
    if leaving >= len(pace.oldest):
        return None
    # A start that lies ahead was counted before the clock was set back: it leaves the window by then all the same.
    free_at = now if leaving < 0 else max(now, min(pace.oldest[leaving], now) + pace.per_us)
    return free_at + windows * pace.per_us


def may_start(pace: Pace, wanted: int, now: int) -> int:
    """How many of the next requests may start now, at most `wanted`."""
    count = 0
    while count < wanted and turn(pace, count, now) == now:
        count += 1
    return count
