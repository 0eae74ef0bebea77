"""Evaluates alert rules and notifies people: a duty of the ticker, before staging."""

import time

from models.alerts import announcing, evaluation, incident_rows

LONGEST_TURN_S = 0.5  # staging waits for it


def alert(now: int) -> int:
    """Open and close incidents, and send what is due, for at most LONGEST_TURN_S; returns how many events and
    incidents that were."""
    until_s, done = time.monotonic() + LONGEST_TURN_S, 0
    while count := evaluation.evaluate(now):
        done += count
        if time.monotonic() > until_s:
            break
    done += incident_rows.close_calm(now)
    while count := announcing.announce(now):
        done += count
        if time.monotonic() > until_s:
            break
    return done
