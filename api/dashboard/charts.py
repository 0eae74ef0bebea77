"""Owns the drawing of charts: numbers in, shapes out. Pure; templates write the shapes as SVG.

No style and no script is in a chart; colours come from classes. Units of all coordinates: the view box's.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from models.jobs.records import AttemptRow
from models.operations.heartbeats import Minute

WIDTH, HEIGHT = 600.0, 120.0
FLOOR_MS = 1.0  # lateness is drawn on a logarithmic scale from here


class Bar(NamedTuple):
    """A rectangle; `kind` names its colour, `title` says what it is."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


class Line(NamedTuple):
    """A polyline's points and what it shows."""

    points: str
    kind: str


class Tick(NamedTuple):
    """A line across the chart at `y` with its label."""

    y: float
    label: str


class Phase(NamedTuple):
    """One part of an attempt, in milliseconds from its due instant."""

    kind: str
    start_ms: float
    length_ms: float


def throughput_bars(minutes: Sequence[Minute], labels: Sequence[str]) -> list[Bar]:
    """For each minute what was completed and, on top of it, what failed."""
    most = _most(minutes)
    step = WIDTH / max(len(minutes), 1)
    bars = []
    for number, (minute, label) in enumerate(zip(minutes, labels, strict=True)):
        done, failed = (HEIGHT * count / most for count in (minute.completed, minute.failed))
        title = f"{label}: {minute.completed} completed, {minute.failed} failed"
        x, width = number * step, step * 0.8
        if minute.completed:
            bars.append(_bar(x, HEIGHT - done, width, done, "completed", title))
        if minute.failed:
            bars.append(_bar(x, HEIGHT - done - failed, width, failed, "failed", title))
    return bars


def throughput_ticks(minutes: Sequence[Minute]) -> list[Tick]:
    """What the highest of the bars stands for, and the ground."""
    return [Tick(0.0, f"{_most(minutes):,}"), Tick(HEIGHT, "0")]


def lateness_lines(minutes: Sequence[Minute]) -> tuple[list[Line], list[Tick]]:
    """The p50 and p99 of each minute, on a logarithmic scale; a minute without attempts breaks the line."""
    most_ms = max([minute.p99_us or 0 for minute in minutes] + [100_000]) / 1000
    top = math.log10(most_ms / FLOOR_MS) * 1.05
    step = WIDTH / max(len(minutes) - 1, 1)

    def y(ms: float) -> float:
        return round(HEIGHT - HEIGHT * math.log10(max(ms, FLOOR_MS) / FLOOR_MS) / top, 1)

    lines = []
    for kind in ("p50_us", "p99_us"):
        values = [getattr(minute, kind) for minute in minutes]
        for piece in _pieces(values):
            points = " ".join(f"{round(number * step, 1)},{y(value / 1000)}" for number, value in piece)
            lines.append(Line(points, kind.removesuffix("_us")))
    marks = [10.0**power for power in range(0, 7) if 10.0**power <= most_ms]
    return lines, [Tick(y(mark), f"{mark:g} ms" if mark < 1000 else f"{mark / 1000:g} s") for mark in marks]


def phases(attempt: AttemptRow) -> list[Phase]:
    """What an attempt spent its time on, in order, from the instant it was due. What was not reached is absent."""
    waited_ms = max(attempt.lateness_us / 1000, 0)
    found, at_ms = [Phase("waited", 0, waited_ms)], waited_ms
    for kind, length_ms in (("dns", attempt.dns_ms), ("connect", attempt.connect_ms), ("tls", attempt.tls_ms)):
        if length_ms:
            found.append(Phase(kind, at_ms, length_ms))
            at_ms += length_ms
    total_ms = waited_ms + _total_ms(attempt)
    first_ms = total_ms if attempt.first_byte_ms is None else min(waited_ms + attempt.first_byte_ms, total_ms)
    if first_ms > at_ms:
        found.append(Phase("first_byte" if attempt.first_byte_ms is not None else "nothing", at_ms, first_ms - at_ms))
        at_ms = first_ms
    if total_ms > at_ms:
        found.append(Phase("body", at_ms, total_ms - at_ms))
    return found


def timeline(attempts: Sequence[AttemptRow]) -> dict[int, list[Bar]]:
    """For each attempt's number its phases as bars, all on one scale."""
    parts = {attempt.number: phases(attempt) for attempt in attempts}
    most = max([p.start_ms + p.length_ms for found in parts.values() for p in found] + [1.0])
    return {
        number: [
            _bar(
                WIDTH * p.start_ms / most,
                0,
                max(WIDTH * p.length_ms / most, 1.5),
                14,
                p.kind,
                f"{WORDS[p.kind]}: {p.length_ms:.1f} ms",
            )
            for p in found
        ]
        for number, found in parts.items()
    }


WORDS = {
    "waited": "waited for its turn",
    "dns": "name looked up",
    "connect": "connected",
    "tls": "TLS agreed",
    "first_byte": "waited for the answer",
    "body": "read the answer",
    "nothing": "waited, in vain",
}


def _most(minutes: Sequence[Minute]) -> int:
    return max([minute.completed + minute.failed for minute in minutes] + [1])


def _total_ms(attempt: AttemptRow) -> float:
    if attempt.total_ms is not None:
        return attempt.total_ms
    return max((attempt.finished_at - attempt.started_at) / 1000, 0)


def _pieces(values: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Stretches without a gap, as (number, value)."""
    pieces: list[list[tuple[int, float]]] = [[]]
    for number, value in enumerate(values):
        if value is not None:
            pieces[-1].append((number, value))
        elif pieces[-1]:
            pieces.append([])
    found = [piece for piece in pieces if piece]
    return [piece if len(piece) > 1 else _drawn_out(*piece[0]) for piece in found]


def _drawn_out(number: int, value: float) -> list[tuple[int, float]]:
    """A minute that stands alone, as a line that can be seen; within the chart, also if it is the last."""
    return [(max(number - 1, 0), value), (max(number, 1), value)]


def _bar(x: float, y: float, width: float, height: float, kind: str, title: str) -> Bar:
    return Bar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), kind, title)
