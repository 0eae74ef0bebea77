"""Evaluates alert rules and notifies people: a duty of the ticker, before staging."""

import time
from collections.abc import Callable

from models.alerts import announcing, evaluation, incident_rows

LONGEST_TURN_S = 0.5  # staging waits for it


def alert(now: int) -> None:
    """Open and close incidents, and send what is due, for at most LONGEST_TURN_S."""
    until_s = time.monotonic() + LONGEST_TURN_S
    _repeat(evaluation.evaluate, now, until_s)
    incident_rows.close_calm(now)
    _repeat(announcing.announce, now, until_s)


def _repeat(do_some: Callable[[int], int], now: int, until_s: float) -> None:
    """Call it until nothing is left or the time is over, but once at least."""
    while do_some(now) and time.monotonic() <= until_s:
        pass
