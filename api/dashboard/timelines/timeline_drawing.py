"""Draws the timeline: marks and counts in, shapes out, which a template writes as SVG. Pure.

Now is in the middle. Places along the time are percentages of the width, so circles stay round at any width; heights
are pixels. Colors come from classes.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from api.dashboard.filters import iso, span, time_of_day, utc
from api.dashboard.timelines.marks import Mark
from api.dashboard.timelines.spans import Span
from models.operations.timelines.attempt_counts import Count
from models.rules.clock import DAY, MILLISECOND, SECOND

HEIGHT, BASE, TOP = 216, 180, 16
NOW_PERCENT = 50.0
FLOOR_US, LEAST_TOP_US = MILLISECOND, SECOND
COLUMN_PERCENT, LEVEL = 0.55, 8  # where marks that have no height are stacked
LEVELS = (BASE - TOP) // LEVEL


class Dot(NamedTuple):
    x: float
    y: float
    mark: Mark


class Bar(NamedTuple):
    """A part of what a slice has; `kind` chooses its color."""

    y: float
    height: float
    kind: str


class Block(NamedTuple):
    """The bars of a slice, one on top of the other, and what they count."""

    x: float
    width: float
    begins_at: int
    text: str
    bars: list[Bar]


class AxisTick(NamedTuple):
    """A line at an instant. `label`: the time of day, or the day, in UTC; `at`: for a script, in milliseconds."""

    x: float
    label: str
    at: int


class Level(NamedTuple):
    """A line across the past at a height, with its label."""

    y: float
    label: str


def dots(marks: Iterable[Mark], levels_top_us: int, now: int, each_way_us: int) -> list[Dot]:
    """Marks with a height by it, on a logarithmic scale; the others stacked on one another, from the base up. A stack
    that would be too high stands closer, so that none of its marks is hidden."""
    ordered = sorted(marks, key=lambda mark: (mark.at, mark.job_id or 0, mark.key))
    columns = [int(place(mark.at, now, each_way_us) / COLUMN_PERCENT) for mark in ordered]
    heights = Counter(column for mark, column in zip(ordered, columns, strict=True) if mark.height_us is None)
    stacked: Counter[int] = Counter()
    drawn = []
    for mark, column in zip(ordered, columns, strict=True):
        if mark.height_us is None:
            y = _y_stacked(stacked[column], heights[column])
            stacked[column] += 1
        else:
            y = _y(mark.height_us, levels_top_us)
        drawn.append(Dot(place(mark.at, now, each_way_us), y, mark))
    return drawn


def top_of(marks: Iterable[Mark]) -> int:
    """The height at which the scale ends: a power of ten, in microseconds."""
    highest = max([LEAST_TOP_US, *[mark.height_us for mark in marks if mark.height_us is not None]])
    return int(10 ** math.ceil(math.log10(highest) - 1e-9))


def scale(top_us: int) -> list[Level]:
    """The lines of the scale, each tenfold the one below, labeled in round figures."""
    powers = range(int(math.log10(FLOOR_US)), int(math.log10(top_us)) + 1)
    every = 1 if len(powers) <= 5 else 2
    return [Level(_y(10**power, top_us), span(10**power).replace(".0 ms", " ms")) for power in powers][::every]


def blocks(counts: Mapping[int, Count], coming: Mapping[int, int], now: int, shown: Span, highest: int) -> list[Block]:
    """For each slice a bar of its attempts, the failed ones on top, or of its jobs to come. The area of a bar grows
    slower than its count: a tenth of the highest is a third as high."""
    drawn = []
    for begins_at, count in sorted(counts.items()):
        both, text = count.completed + count.failed, f"{count.completed:,} succeeded, {count.failed:,} failed"
        height = _part(both, highest)
        failed = height * count.failed / max(both, 1)
        bars = [*_bar(height - failed, 0, "done"), *_bar(failed, height - failed, "failed")]
        drawn.append(_block(begins_at, bars, text, now, shown))
    for begins_at, jobs in sorted(coming.items()):
        drawn.append(_block(begins_at, _bar(_part(jobs, highest), 0, "due"), f"{jobs:,} to come", now, shown))
    return [block for block in drawn if block.bars]


def axis(now: int, shown: Span) -> list[AxisTick]:
    """Lines at round instants."""
    first, last = now - shown.each_way_us, now + shown.each_way_us
    begin = first - first % shown.tick_us + shown.tick_us
    return [
        AxisTick(place(at, now, shown.each_way_us), _label(at, shown), at // MILLISECOND)
        for at in range(begin, last, shown.tick_us)
    ]


def place(at: int, now: int, each_way_us: int) -> float:
    return round(NOW_PERCENT + (at - now) / each_way_us * NOW_PERCENT, 2)


def chosen(marks: Sequence[Mark], most: int, first_looks: Sequence[str]) -> list[Mark]:
    """So many of the marks, or all if there are fewer, spread evenly; of certain looks more than of others."""
    if len(marks) <= most:
        return list(marks)
    weighty = [mark for mark in marks if mark.look in first_looks]
    others = [mark for mark in marks if mark.look not in first_looks]
    kept = _spread(weighty, max(most // 2, most - len(others)))
    return [*kept, *_spread(others, most - len(kept))]


def _spread(marks: Sequence[Mark], most: int) -> list[Mark]:
    if len(marks) <= most:
        return list(marks)
    return [marks[number * len(marks) // most] for number in range(most)]


def _block(begins_at: int, bars: list[Bar], text: str, now: int, shown: Span) -> Block:
    width = round(shown.slice_us / shown.each_way_us * NOW_PERCENT, 2)
    when = f"{utc(begins_at)} and {span(shown.slice_us)} on"
    return Block(place(begins_at, now, shown.each_way_us), width, begins_at, f"{when}: {text}", bars)


def _bar(height: float, above: float, kind: str) -> list[Bar]:
    return [Bar(round(BASE - above - height, 1), round(height, 1), kind)] if height > 0 else []


def _part(count: int, highest: int) -> float:
    return math.sqrt(count / max(highest, 1)) * (BASE - TOP) if count else 0.0


def _y(height_us: int, top_us: int) -> float:
    part = math.log10(max(height_us, FLOOR_US) / FLOOR_US) / math.log10(top_us / FLOOR_US)
    return round(BASE - 6 - (BASE - 6 - TOP) * min(part, 1.0), 1)


def _y_stacked(below: int, height: int) -> float:
    """Of a mark that stands on so many others of a stack."""
    step = LEVEL if height <= LEVELS else LEVEL * (LEVELS - 1) / (height - 1)
    return round(BASE - LEVEL // 2 - 2 - step * below, 1)


def _label(at: int, shown: Span) -> str:
    return iso(at)[5:10] if shown.tick_us >= DAY else time_of_day(at)
