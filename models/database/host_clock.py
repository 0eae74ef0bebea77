"""Compares this host's clock with the database's, which counts for leases: the hosts of a production system have clocks
of their own.

On SQLite there is one clock.
"""

import logging
import time
from collections.abc import Callable

from models.database.connection import dialect
from models.database.settling import NOW
from models.database.sql import fetch
from models.rules import clock

log = logging.getLogger("booper.clock")
EVERY_S = 60.0
NOTABLE_US = clock.SECOND


class HostClock:
    """`compare` often, while connected; it asks the database once a minute. `ahead_us`: how far this host's clock is
    ahead, less than nothing when it is behind. `steady_s`: seconds of a clock that is never set."""

    def __init__(self, steady_s: Callable[[], float] = time.monotonic) -> None:
        self._steady_s = steady_s
        self.ahead_us = 0
        self._next_s = 0.0
        self._differs = False

    def compare(self, at_once: bool = False) -> int:
        """The difference, after asking for it if it is time."""
        if dialect() == "postgresql" and (at_once or self._steady_s() >= self._next_s):
            self._next_s = 0.0  # in case that the database does not answer
            self.ahead_us = measure()
            self._next_s = self._steady_s() + EVERY_S
            self._report()
        return self.ahead_us

    def _report(self) -> None:
        """Tell the operator when the clocks begin to differ, and when they agree again."""
        differs = abs(self.ahead_us) >= NOTABLE_US
        if differs:
            log.warning(
                "this host's clock is %.1f s %s the database's: jobs begin too early or too late by that; leases are "
                "counted by the database's clock; set the clocks of all hosts by NTP",
                abs(self.ahead_us) / clock.SECOND,
                "ahead of" if self.ahead_us > 0 else "behind",
            )
        elif self._differs:
            log.info("this host's clock agrees with the database's again")
        self._differs = differs


def measure() -> int:
    """How far this host's clock is ahead of the database's, as far as the time that the question takes leaves no doubt;
    0 when the two may agree."""
    before = clock.wall_clock()
    read_at = database_clock()
    after = clock.wall_clock()
    return max(before - read_at, 0) + min(after - read_at, 0)


def database_clock() -> int:
    """The clock of PostgreSQL."""
    instant: int = fetch(f"SELECT {NOW}")[0][0]
    return instant
