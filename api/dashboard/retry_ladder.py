"""Draws the attempts of a job as dots on one axis of time, those to come hollow. Pure.

The axis is logarithmic from the first attempt on: retries come seconds apart at first and hours apart later.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from models.jobs.attempt_reasons import cause
from models.jobs.records import AttemptRow
from models.rules.clock import SECOND

WIDTH, MARGIN = 600.0, 12.0


class Dot(NamedTuple):
    """An attempt. `kind`: good, bad or coming; `at`: its instant; `text`: how it ended."""

    x: float
    kind: str
    number: int
    at: int
    text: str


def ladder(attempts: Sequence[AttemptRow], coming: Sequence[int]) -> list[Dot]:
    """The attempts in their order, and behind them the coming ones. One attempt alone is no ladder."""
    made = [(row.started_at, *_ended(row), row.number) for row in attempts]
    first = attempts[-1].number + 1 if attempts else 1
    ahead = [(at, "coming", "to come", first + number) for number, at in enumerate(coming)]
    marks = [*made, *ahead]
    if len(marks) < 2:
        return []
    begin, end = marks[0][0], max(at for at, *_ in marks)
    return [Dot(_x(at - begin, end - begin), kind, number, at, text) for at, kind, text, number in marks]


def _ended(row: AttemptRow) -> tuple[str, str]:
    if row.reason:
        return "bad", cause(row.reason)
    return ("good" if row.outcome == "answered" else "bad"), f"{row.status_code or row.outcome}"


def _x(length_us: int, whole_us: int) -> float:
    share = math.log1p(max(length_us, 0) / SECOND) / (math.log1p(whole_us / SECOND) or 1)
    return round(MARGIN + share * (WIDTH - 2 * MARGIN), 1)
