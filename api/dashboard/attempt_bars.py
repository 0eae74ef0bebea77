"""Draws the attempts of a job on one time scale: timings in, bars out, which a template writes as SVG. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from api.dashboard.charts import WIDTH, Bar, bar
from api.dashboard.labels import PHASES
from models.jobs.records import AttemptRow

HEIGHT = 14
MIN_WIDTH = 1.5  # a phase of no length can be seen


class Phase(NamedTuple):
    """One part of an attempt, in milliseconds from its start."""

    kind: str
    start_ms: float
    length_ms: float


def bars_of(attempts: Sequence[AttemptRow]) -> dict[int, list[Bar]]:
    """The bars of each attempt by its number, all on one scale."""
    phases_by_number = {attempt.number: phases(attempt) for attempt in attempts}
    ends_ms = [phase.start_ms + phase.length_ms for row in phases_by_number.values() for phase in row]
    scale = WIDTH / max([*ends_ms, 1.0])
    return {number: [_bar(phase, scale) for phase in row] for number, row in phases_by_number.items()}


def phases(attempt: AttemptRow) -> list[Phase]:
    """The phases of an attempt in order. A phase that it did not reach is absent."""
    row: list[Phase] = []
    at_ms = 0.0
    for kind, length_ms in (("dns", attempt.dns_ms), ("connect", attempt.connect_ms), ("tls", attempt.tls_ms)):
        if length_ms:
            row.append(Phase(kind, at_ms, length_ms))
            at_ms += length_ms
    total_ms = _total_ms(attempt)
    first_ms = total_ms if attempt.first_byte_ms is None else min(attempt.first_byte_ms, total_ms)
    if first_ms > at_ms:
        row.append(Phase("first_byte" if attempt.first_byte_ms is not None else "nothing", at_ms, first_ms - at_ms))
        at_ms = first_ms
    if total_ms > at_ms:
        row.append(Phase("body", at_ms, total_ms - at_ms))
    return row


def _total_ms(attempt: AttemptRow) -> float:
    if attempt.total_ms is not None:
        return attempt.total_ms
    return max((attempt.finished_at - attempt.started_at) / 1000, 0)


def _bar(phase: Phase, scale: float) -> Bar:
    title = f"{PHASES[phase.kind]}: {phase.length_ms:.1f} ms"
    return bar(phase.start_ms * scale, 0, max(phase.length_ms * scale, MIN_WIDTH), HEIGHT, phase.kind, title)
