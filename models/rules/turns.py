"""Computes when the next requests of a gate may start, from its limits and the starts that its rate counts. Pure.

A rate allows at most `rate` starts in any window of `per_us`, wherever the window begins. Starts are numbered. Start n
may come when start n - rate has left the window. That is enough: of the starts n, n + rate, n + 2 * rate and so on, no
window has two, and there are `rate` such sequences. So a late start n holds back start n + rate alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, takewhile
from typing import NamedTuple

from models.rules import clock

AHEAD_US = 250 * clock.MILLISECOND  # how long before its turn a request may be let through: its sender waits
TOGETHER_US = 20 * clock.MILLISECOND
LEAD_US = 30 * clock.MILLISECOND  # how long a message and a claim may take; with TOGETHER_US less than AHEAD_US


@dataclass(frozen=True)
class Pace:
    """What limits a gate at this moment.

    `rate` None: no rate. `free`: how many of the next starts have to wait for no earlier start. `predecessors`: for the
    starts after those, in the order of their numbers, the instant of the start that each has to wait for. `room`: how
    many more requests may be under way; None: no limit."""

    rate: int | None = None
    per_us: int = 0
    free: int = 0
    predecessors: Sequence[int] = ()
    room: int | None = None

    @property
    def ahead_us(self) -> int:
        """How long before its turn a request may be let through. Where the requests under way are limited, one that
        waits for its instant would take up room."""
        return AHEAD_US if self.rate is not None and self.room is None else 0

    @cached_property
    def oldest(self) -> list[int]:
        """`predecessors` in the order in which the next starts may come. Numbers have no gaps, so no start is counted
        before those of lesser numbers may be, which is `ahead_us` before their turns."""
        counted = [latest - self.ahead_us for latest in accumulate(self.predecessors, max)]
        return [max(pair) for pair in zip(sorted(self.predecessors), counted, strict=True)]


class CountedStart(NamedTuple):
    """A start as the rate of a flow counts it: its number, and the instant at which the request may go out."""

    number: int
    at: int


class Turn(NamedTuple):
    """When a parked job may be claimed, at the earliest."""

    job_id: int
    at: int


def turn(pace: Pace, place: int, now: int) -> int | None:
    """The earliest instant for the request at this place, if those before it start in their turns; place 0 is the next
    one. None: not known, since it waits for others to end."""
    if pace.room is not None and place >= pace.room:
        return None
    if pace.rate is None:
        return now
    windows, place_in_window = divmod(place, pace.rate)
    leaving = place_in_window - pace.free
    if leaving >= len(pace.oldest):
        return None
    at = now if leaving < 0 else _after(pace.oldest[leaving], pace, now)
    return at + windows * pace.per_us


def _after(start: int, pace: Pace, now: int) -> int:
    """The earliest instant for the start that has to wait for this one. What lies further ahead was counted before the
    clock was set back: it leaves the window by then all the same."""
    return max(now, min(start, now + pace.ahead_us) + pace.per_us)


def next_starts(pace: Pace, wanted: int, now: int) -> list[int]:
    """The instants at which the next requests start, as far as they may be let through now; at most `wanted`."""
    if pace.room is not None:
        wanted = min(wanted, pace.room)
    if pace.rate is None:
        return [now] * wanted
    starts = [*[now] * pace.free, *(_after(start, pace, now) for start in pace.predecessors)][: min(wanted, pace.rate)]
    return list(takewhile(lambda at: at <= now + pace.ahead_us, starts))


def together(turns: Sequence[Turn], pace: Pace, opens_at: int) -> list[Turn]:
    """Turns that lie close together as one, so that one claim begins many jobs of a fast flow.

    It comes a little before the first of them if the jobs may be claimed ahead of their turns, but not before
    `opens_at`. Otherwise it is the last of them."""
    return _before_first(turns, opens_at) if pace.ahead_us else _at_last(turns)


def _before_first(turns: Sequence[Turn], opens_at: int) -> list[Turn]:
    firsts: list[int] = []
    for each in turns:
        firsts.append(firsts[-1] if firsts and each.at - firsts[-1] <= TOGETHER_US else each.at)
    return [Turn(each.job_id, max(opens_at, at - LEAD_US)) for each, at in zip(turns, firsts, strict=True)]


def _at_last(turns: Sequence[Turn]) -> list[Turn]:
    lasts: list[int] = []
    for each in reversed(turns):
        lasts.append(lasts[-1] if lasts and 0 <= lasts[-1] - each.at <= TOGETHER_US else each.at)
    return [Turn(each.job_id, at) for each, at in zip(turns, reversed(lasts), strict=True)]
