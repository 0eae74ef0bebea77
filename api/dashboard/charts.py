"""Draws charts: numbers in, shapes out, which a template writes as SVG. Pure.

A chart holds no style and no script; its colors come from classes. Coordinates are in units of the view box.
"""

import math
from collections.abc import Mapping, Sequence
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
    counts = [{"completed": minute.completed, "failed": minute.failed} for minute in minutes]
    texts = [f"{minute.completed} completed, {minute.failed} failed" for minute in minutes]
    return stacked_bars(counts, [f"{label}: {text}" for label, text in zip(labels, texts, strict=True)])


def stacked_bars(columns: Sequence[Mapping[str, int]], titles: Sequence[str]) -> list[Bar]:
    """For each column the bars of its counts by kind, one on top of the other. The highest column has the whole height;
    a count of 0 has no bar."""
    highest, step = max([sum(column.values()) for column in columns] + [1]), WIDTH / max(len(columns), 1)
    bars = []
    for number, (column, title) in enumerate(zip(columns, titles, strict=True)):
        y = HEIGHT
        for kind, count in column.items():
            height = HEIGHT * count / highest
            y -= height
            if count:
                bars.append(bar(number * step, y, step * 0.8, height, kind, title))
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
        for stretch in stretches([getattr(minute, kind) for minute in minutes]):
            places = [(round(number * step, 1), y(value / 1000)) for number, value in stretch]
            lines.append(Line(points(places), kind.removesuffix("_us")))
    marks = [10.0**power for power in range(0, 7) if 10.0**power <= top_ms]
    return lines, [Tick(y(mark), f"{mark:g} ms" if mark < 1000 else f"{mark / 1000:g} s") for mark in marks]


def bar(x: float, y: float, width: float, height: float, kind: str, title: str) -> Bar:
    """A bar with its coordinates rounded."""
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind, title)


def points(places: Sequence[tuple[float, float]]) -> str:
    """Pairs of x and y, as SVG writes the points of a line."""
    return " ".join(f"{x},{y}" for x, y in places)


def _highest(minutes: Sequence[Minute]) -> int:
    return max([minute.completed + minute.failed for minute in minutes] + [1])


def stretches(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """The stretches without a gap, as pairs of number and value."""
    parts: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(values):
        if value is not None:
            parts[-1].append((number, value))
        elif parts[-1]:
            parts.append([])
    return [each if len(each) > 1 else _widened(*each[0]) for each in parts if each]


def _widened(number: int, value: float) -> list[tuple[int, float]]:
    """A single value as a line that can be seen. It stays within the chart, also at its end."""
    return [(max(number - 1, 0), value), (max(number, 1), value)]
