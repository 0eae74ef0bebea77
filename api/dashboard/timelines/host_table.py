"""Makes the lines of the table of hosts: how each has done in the last hour, and whether something holds it back."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from api.dashboard.charts import Bar
from api.dashboard.timelines import sparklines
from api.requests.job_filters import read_host
from models.flows.gates import Gate
from models.jobs.job_kinds import REQUEST
from models.jobs.searches.job_filter import JobFilter
from models.operations.timelines import host_figures, past_attempts
from models.operations.timelines.host_figures import HostFigures
from models.rules.clock import HOUR

SHOWN, PARTS = 50, 30


class HostLine(NamedTuple):
    """`state`: a word, and `look` its class. `success`: as a percentage. `is_usable`: for a filter."""

    figures: HostFigures
    success: str
    state: str
    look: str
    bars: Sequence[Bar]
    is_usable: bool


class HostTable(NamedTuple):
    """`left_out`: how many further hosts had attempts. `is_sample`: there were more attempts than those that the lines
    count."""

    lines: list[HostLine]
    left_out: int
    is_sample: bool


def of_last_hour(account_id: int, now: int, is_wanted: Callable[[str], bool]) -> HostTable:
    """The hosts of the last hour's attempts that are wanted, SHOWN of them; those with most failures first."""
    past = past_attempts.read(account_id, JobFilter(REQUEST), now - HOUR, now + 1)
    attempts = [row for row in past.attempts if row.host and is_wanted(row.host)]
    every = host_figures.of_attempts(attempts, now - HOUR, now, PARTS)
    gates = host_figures.gates_of(account_id, [each.host for each in every[:SHOWN]])
    lines = [_line(each, gates.get(each.host), now) for each in every[:SHOWN]]
    return HostTable(lines, len(every) - len(lines), not past.is_whole)


def _line(figures: HostFigures, gate: Gate | None, now: int) -> HostLine:
    part = int((1 - figures.failed / figures.attempts) * 1000) / 10
    return HostLine(
        figures, f"{part:g}%", *state_of(gate, now), sparklines.bars(figures.by_slice), _is_usable(figures.host)
    )


def _is_usable(host: str) -> bool:
    try:
        return read_host(host) == host
    except ValueError:
        return False


def state_of(gate: Gate | None, now: int) -> tuple[str, str]:
    """What holds a host back, or whether it fails; and the class of that word."""
    if gate is None:
        return "open", "enabled"
    if gate.is_paused(now):
        return "paused", "late"
    if gate.probe_at is not None:
        return "held back", "discarded"
    if gate.rests_until is not None and gate.rests_until > now:
        return "resting", "late"
    return ("failing", "late") if gate.failures else ("open", "enabled")
