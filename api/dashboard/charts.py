"""Draws the charts of the overview: numbers in, shapes out, which a template writes as SVG. Pure.

A chart holds no style and no script; its colors come from classes. Coordinates are in units of the view box.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from models.operations.heartbeats import Minute

WIDTH, HEIGHT = 600.0, 120.0
FLOOR_MS = 1.0  # where the logarithmic scale of the lateness begins
MIN_TOP_MS = 100.0  # the scale reaches at least so far


class Bar(NamedTuple):
    """A rectangle. `kind` chooses its color, `title` explains it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


class Line(NamedTuple):
    """The points of a polyline. `kind` chooses its color."""

    points: str
    kind: str


class Tick(NamedTuple):
    """A line across the chart at `y`, with its label."""

    y: float
    label: str


def throughput_bars(minutes: Sequence[Minute], labels: Sequence[str]) -> list[Bar]:
    """For each minute a bar of the completed attempts, and on top of it one of the failed attempts."""
    highest, step = _highest(minutes), WIDTH / max(len(minutes), 1)
    bars = []
    for number, (minute, label) in enumerate(zip(minutes, labels, strict=True)):
        completed, failed = (HEIGHT * count / highest for count in (minute.completed, minute.failed))
        title = f"{label}: {minute.completed} completed, {minute.failed} failed"
        x, width = number * step, step * 0.8
        if minute.completed:
            bars.append(bar(x, HEIGHT - completed, width, completed, "completed", title))
        if minute.failed:
            bars.append(bar(x, HEIGHT - completed - failed, width, failed, "failed", title))
    return bars


def throughput_ticks(minutes: Sequence[Minute]) -> list[Tick]:
    """The number of the highest bar at the top, 0 at the bottom."""
    return [Tick(0.0, f"{_highest(minutes):,}"), Tick(HEIGHT, "0")]


def lateness_lines(minutes: Sequence[Minute]) -> tuple[list[Line], list[Tick]]:
    """The p50 and p99 of each minute on a logarithmic scale. A minute without attempts breaks the line."""
    top_ms = max([MIN_TOP_MS, *[(minute.p99_us or 0) / 1000 for minute in minutes]])
    scale = math.log10(top_ms / FLOOR_MS) * 1.05
    step = WIDTH / max(len(minutes) - 1, 1)

    def y(ms: float) -> float:
        return round(HEIGHT - HEIGHT * math.log10(max(ms, FLOOR_MS) / FLOOR_MS) / scale, 1)

    lines = []
    for kind in ("p50_us", "p99_us"):
        for stretch in _stretches([getattr(minute, kind) for minute in minutes]):
            points = " ".join(f"{round(number * step, 1)},{y(value / 1000)}" for number, value in stretch)
            lines.append(Line(points, kind.removesuffix("_us")))
    marks = [10.0**power for power in range(0, 7) if 10.0**power <= top_ms]
    return lines, [Tick(y(mark), f"{mark:g} ms" if mark < 1000 else f"{mark / 1000:g} s") for mark in marks]


def count_bars(counts: Sequence[int], labels: Sequence[str], kind: str, noun: str) -> list[Bar]:
    """A bar for each count that is not 0, the highest over the whole height."""
    highest, step = max([*counts, 1]), WIDTH / max(len(counts), 1)
    return [
        bar(
            number * step,
            HEIGHT - HEIGHT * count / highest,
            step * 0.8,
            HEIGHT * count / highest,
            kind,
            f"{label}: {count:,} {noun}",
        )
        for number, (count, label) in enumerate(zip(counts, labels, strict=True))
        if count
    ]


def bar(x: float, y: float, width: float, height: float, kind: str, title: str) -> Bar:
    """A bar with its coordinates rounded."""
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind, title)


def _highest(minutes: Sequence[Minute]) -> int:
    return max([minute.completed + minute.failed for minute in minutes] + [1])


def _stretches(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap, as pairs of number and value."""
    stretches: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(values):
        if value is not None:
            stretches[-1].append((number, value))
        elif stretches[-1]:
            stretches.append([])
    return [each if len(each) > 1 else _widened(*each[0]) for each in stretches if each]


def _widened(number: int, value: float) -> list[tuple[int, float]]:
    """A single minute as a line that can be seen. It stays within the chart, also for the last minute."""
    return [(max(number - 1, 0), value), (max(number, 1), value)]
