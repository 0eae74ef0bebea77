"""Plans due schedules: cancels their jobs that came too late, then creates their next jobs.

A duty of the ticker, before staging. `models/schedules/planning.py` does the work and says why two planners at once
do no harm.
"""

import logging
import time

from models.schedules import misfire, planning
from models.schedules.put_off import PutOff

log = logging.getLogger("booper.planner")
SCHEDULES_AT_ONCE = 500
LONGEST_TURN_S = 0.5  # staging waits for it
EXPIRED_AT_ONCE = 500
_put_off = PutOff()  # by this process, whoever leads


def plan_due(now: int) -> int:
    """Plan what is due, for at most LONGEST_TURN_S; returns how many schedules that were."""
    planned, until_s = 0, time.monotonic() + LONGEST_TURN_S
    while True:
        count = planning.plan(now, SCHEDULES_AT_ONCE, _put_off)
        planned += count
        if count < SCHEDULES_AT_ONCE or time.monotonic() > until_s:
            return planned


def expire(now: int) -> int:
    """Cancel jobs of schedules that did not begin in time; returns how many."""
    count = misfire.expire(now, EXPIRED_AT_ONCE)
    if count:
        log.warning("%d jobs of schedules could not begin in time, and are cancelled", count)
    return count
