"""Draws sparklines: numbers in, shapes out, which a template writes as SVG. Pure."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from api.dashboard import charts
from api.dashboard.charts import HEIGHT, WIDTH, Bar

PADDING = 8.0


class Sparkline(NamedTuple):
    """`lines`: the points of polylines, one for each stretch without a gap; `areas`: what lies below them."""

    lines: list[str]
    areas: list[str]


def line(values: Sequence[float | None], low: float, high: float) -> Sparkline:
    """A line between `low` at the bottom and `high` at the top. None is a gap."""
    step = WIDTH / max(len(values) - 1, 1)
    shown = [
        [(round(number * step, 1), _y(value, low, high)) for number, value in stretch]
        for stretch in charts.stretches(values)
    ]
    areas = [[(places[0][0], HEIGHT), *places, (places[-1][0], HEIGHT)] for places in shown]
    return Sparkline([charts.points(places) for places in shown], [charts.points(places) for places in areas])


def logarithms(values: Sequence[float | None]) -> list[float | None]:
    """The values on a logarithmic scale, at least 0."""
    return [None if value is None else math.log10(max(value, 1.0)) for value in values]


def bars(pairs: Sequence[tuple[int, int]]) -> list[Bar]:
    """For each pair (all, failed) a bar, the failed part on top."""
    return charts.stacked_bars([{"done": both - failed, "failed": failed} for both, failed in pairs], [""] * len(pairs))


def _y(value: float, low: float, high: float) -> float:
    part = min(max((value - low) / max(high - low, 1e-9), 0.0), 1.0)
    return round(HEIGHT - PADDING - part * (HEIGHT - 2 * PADDING), 1)
