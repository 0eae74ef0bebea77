"""Plans due schedules: cancels their jobs that came too late, then creates their next jobs.

A duty of the ticker, before staging. `models/schedules/planning.py` does the work and says why two planners at once
do no harm.
"""

import logging
import time

from models.schedules import misfire, planning
from models.schedules.put_off import PutOff
from workers.ticker.front import Front

log = logging.getLogger("booper.planner")
SCHEDULES_AT_ONCE = 500
LONGEST_TURN_S = 0.5  # staging waits for it
EXPIRED_AT_ONCE = 500
_put_off = PutOff()  # by this process, whoever leads
_due, _expired = Front(), Front()


def plan_due(now: int) -> int:
    """Plan what is due, for at most LONGEST_TURN_S; returns how many schedules that were."""
    first = _due.search(now, lambda begin: planning.first_due(begin, now))
    if first is None:
        return 0
    planned, until_s = 0, time.monotonic() + LONGEST_TURN_S
    while True:
        count = planning.plan(now, SCHEDULES_AT_ONCE, _put_off, first)
        planned += count
        if count < SCHEDULES_AT_ONCE or time.monotonic() > until_s:
            return planned


def expire(now: int) -> int:
    """Cancel jobs of schedules that did not begin in time; returns how many."""
    first = _expired.search(now, lambda begin: misfire.first_expired(begin, now))
    count = 0 if first is None else misfire.expire(now, EXPIRED_AT_ONCE, first)
    if count:
        log.warning("jobs of schedules that could not begin in time are cancelled: %d", count)
    return count
