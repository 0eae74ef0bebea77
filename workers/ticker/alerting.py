"""Evaluates alert rules and notifies people: a duty of the ticker, before staging."""

import time
from collections.abc import Callable

from models.alerts import announcing, evaluation, incident_rows

LONGEST_TURN_S = 0.5  # staging waits for it


def alert(now: int) -> int:
    """Open and close incidents, and send what is due, for at most LONGEST_TURN_S; returns how many events and
    incidents that were."""
    until_s = time.monotonic() + LONGEST_TURN_S
    evaluated = _repeat(evaluation.evaluate, now, until_s)
    closed = incident_rows.close_calm(now)
    return evaluated + closed + _repeat(announcing.announce, now, until_s)


def _repeat(do_some: Callable[[int], int], now: int, until_s: float) -> int:
    """Call it until nothing is left or the time is over, but once at least; returns how many it did."""
    done = 0
    while count := do_some(now):
        done += count
        if time.monotonic() > until_s:
            break
    return done
