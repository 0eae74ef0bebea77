"""Owns the planner's turns: jobs that can't begin any more are cancelled, then the next jobs of due schedules made.

A duty of the ticker, before staging. What it does and why two at once do no harm is in `models/schedules/planning.py`.
"""

import logging
import time

from models.schedules import overlap, planning

log = logging.getLogger("booper.planner")
SCHEDULES_AT_ONCE = 500
LONGEST_TURN_S = 0.5  # then staging has its turn
EXPIRED_AT_ONCE = 500


def plan_due(now: int) -> int:
    """Plan what is due, for a while at most; returns how many schedules that were."""
    planned, until_s = 0, time.monotonic() + LONGEST_TURN_S
    while True:
        count = planning.plan(now, SCHEDULES_AT_ONCE)
        planned += count
        if count < SCHEDULES_AT_ONCE or time.monotonic() > until_s:
            return planned


def expire(now: int) -> int:
    """Cancel jobs of schedules that were not begun in time; returns how many."""
    count = overlap.expire(now, EXPIRED_AT_ONCE)
    if count:
        log.warning("%d jobs of schedules could not begin in time, and are cancelled", count)
    return count
