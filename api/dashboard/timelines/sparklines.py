"""Draws sparklines: numbers in, shapes out, which a template writes as SVG. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 120.0, 30.0
PADDING = 2.0


class Sparkline(NamedTuple):
    """`lines`: the points of polylines, one for each stretch without a gap; `areas`: what lies below them."""

    lines: list[str]
    areas: list[str]


class SparkBar(NamedTuple):
    """A bar; `kind` chooses its color."""

    x: float
    y: float
    width: float
    height: float
    kind: str


def line(values: Sequence[float | None], low: float, high: float) -> Sparkline:
    """A line between `low` at the bottom and `high` at the top. None is a gap."""
    step = WIDTH / max(len(values) - 1, 1)
    stretches: list[list[tuple[float, float]]] = [[]]
    for number, value in enumerate(values):
        if value is not None:
            part = min(max((value - low) / max(high - low, 1e-9), 0.0), 1.0)
            stretches[-1].append((round(number * step, 1), round(HEIGHT - PADDING - part * (HEIGHT - 2 * PADDING), 1)))
        elif stretches[-1]:
            stretches.append([])
    shown = [_visible(stretch, step) for stretch in stretches if stretch]
    return Sparkline([_points(stretch) for stretch in shown], [_points(_closed(stretch)) for stretch in shown])


def logarithms(values: Sequence[float | None]) -> list[float | None]:
    """The values on a logarithmic scale, at least 0."""
    return [None if value is None else math.log10(max(value, 1.0)) for value in values]


def bars(pairs: Sequence[tuple[int, int]]) -> list[SparkBar]:
    """For each pair (all, failed) a bar, the failed part on top."""
    highest, step = max([both for both, _ in pairs] + [1]), WIDTH / max(len(pairs), 1)
    drawn = []
    for number, (both, failed) in enumerate(pairs):
        height, bad = HEIGHT * both / highest, HEIGHT * failed / highest
        drawn += _bar(number * step, HEIGHT - height + bad, step * 0.8, height - bad, "done")
        drawn += _bar(number * step, HEIGHT - height, step * 0.8, bad, "failed")
    return drawn


def _bar(x: float, y: float, width: float, height: float, kind: str) -> list[SparkBar]:
    return [SparkBar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind)] if height > 0 else []


def _visible(stretch: list[tuple[float, float]], step: float) -> list[tuple[float, float]]:
    """A single value as a short line."""
    if len(stretch) > 1:
        return stretch
    [(x, y)] = stretch
    return [(round(max(x - step, 0), 1), y), (round(min(max(x, step), WIDTH), 1), y)]


def _closed(stretch: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(stretch[0][0], HEIGHT), *stretch, (stretch[-1][0], HEIGHT)]


def _points(stretch: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in stretch)
