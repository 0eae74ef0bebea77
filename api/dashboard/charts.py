"""Draws charts: numbers in, shapes out, which a template writes as SVG. Pure.

A chart holds no style and no script; its colors come from classes. Coordinates are in units of the view box.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 600.0, 120.0


class Bar(NamedTuple):
    """A rectangle. `kind` chooses its color, `title` explains it."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


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


def bar(x: float, y: float, width: float, height: float, kind: str, title: str) -> Bar:
    """A bar with its coordinates rounded."""
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind, title)


def points(places: Sequence[tuple[float, float]]) -> str:
    """Pairs of x and y, as SVG writes the points of a line."""
    return " ".join(f"{x},{y}" for x, y in places)


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
