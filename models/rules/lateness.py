"""Says what is late, counts lateness in a histogram, and reads percentiles from it. Pure.

A histogram is a list of counts: one for each bound, and one for what lies beyond the last. Microseconds.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from models.rules.clock import MILLISECOND, MINUTE, SECOND

LATE_AFTER_US = MINUTE  # a schedule's job whose first attempt begins later than this after its time is late
BOUNDS = (
    *(ms * MILLISECOND for ms in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(s * SECOND for s in (1, 2, 5, 10, 30, 60, 300, 3600)),
)


def empty() -> list[int]:
    return [0] * (len(BOUNDS) + 1)


def add(counts: list[int], lateness_us: int) -> None:
    """Count one lateness."""
    counts[bisect_left(BOUNDS, lateness_us)] += 1


def together(histograms: Iterable[Sequence[int]]) -> list[int]:
    """The sum of histograms; leaves out those of an older version with other bounds."""
    total = empty()
    for counts in histograms:
        if len(counts) == len(total):
            total = [a + b for a, b in zip(total, counts, strict=True)]
    return total


def percentile(counts: Sequence[int], part: float) -> float | None:
    """The lateness that `part` (0 to 1) of the attempts do not exceed, interpolated within its bucket; None without
    attempts."""
    wanted = part * sum(counts)
    if not wanted:
        return None
    low = 0
    for count, bound in zip(counts, BOUNDS, strict=False):
        if count and count >= wanted:
            return low + (bound - low) * wanted / count
        wanted -= count
        low = bound
    return float(BOUNDS[-1])
