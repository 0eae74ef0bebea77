"""Says by which instant a lease must have ended for its job to be lost, also where this host's clock is wrong or was
set forward.

It reads no lease: `models/jobs/lifecycle.py` compares.
"""

import logging

from models.database.host_clock import HostClock
from models.rules import clock
from workers.ticker.throttle import steady_us

log = logging.getLogger("booper.ticker")
JUMP_US = 2 * clock.SECOND
LONGEST_LEASE_US = 16 * clock.MINUTE  # what a claim leases at once, and a margin


class LeaseClock:
    """Leases end by the clock of the database. After a jump of this host's clock every lease given before would seem to
    have ended. The old time counts for as long as any of those leases can last."""

    def __init__(self) -> None:
        self._host_clock = HostClock()
        self._offset = clock.now() - steady_us()  # wall clock against the steady one
        self._jump = self._jump_ends_us = 0

    def read(self) -> tuple[int, int]:
        """Now, and the instant by which a lease must have ended for its job to be lost."""
        now, steady = clock.now(), steady_us()  # read together: a slow duty before is no jump
        jump_us, self._offset = now - steady - self._offset, now - steady
        if jump_us > JUMP_US:
            log.warning("the clock was set forward by %d s: no job is taken for lost", jump_us // clock.SECOND)
            self._jump, self._jump_ends_us = jump_us, steady + LONGEST_LEASE_US
        ahead_us = self._host_clock.compare(at_once=abs(jump_us) > JUMP_US)
        if steady < self._jump_ends_us:
            ahead_us = max(ahead_us, self._jump)  # a jump is part of how far this clock is ahead
        return now, now - ahead_us
