"""Computes the figures of the table from those of several rounds; pure functions.

A round is one measurement of a workload: a dict from the name of a figure to its number. A ratio is computed within
each round, and summarized over the rounds after that.
"""

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

Figures = dict[str, float]


class Summary(NamedTuple):
    """One figure over all rounds."""

    median: float
    low: float
    high: float
    count: int


def summary(values: Sequence[float]) -> Summary:
    """Median and extremes. Raises ValueError if there are no values."""
    if not values:
        raise ValueError("a summary must have at least one value, got none")
    return Summary(statistics.median(values), min(values), max(values), len(values))


def summaries(rounds: Sequence[Figures]) -> dict[str, Summary]:
    """A summary of each figure over the rounds that have it, in order of first appearance."""
    names = dict.fromkeys(name for figures in rounds for name in figures)
    return {name: summary([figures[name] for figures in rounds if name in figures]) for name in names}


def ratio(value: float, reference: float) -> float:
    """value / reference. Raises ValueError unless the reference is positive."""
    if reference <= 0:
        raise ValueError(f"a ratio must be to a positive number, got {reference}")
    return value / reference


def rate(count: int, first_at: int, last_at: int) -> float:
    """Events a second from the instants (microseconds) of the first and the last of `count` events."""
    if count < 2 or last_at <= first_at:
        raise ValueError(f"a rate must have two events at two instants, got {count} from {first_at} to {last_at}")
    return (count - 1) * 1_000_000 / (last_at - first_at)


def percentile(values: Iterable[float], per_cent: float) -> float:
    """The percentile by nearest rank. Raises ValueError if there are no values."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a percentile must have at least one value, got none")
    return ordered[max(0, -int(-len(ordered) * per_cent // 100) - 1)]
