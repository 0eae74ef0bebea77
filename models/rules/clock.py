"""Reads the clock. An instant is an integer: microseconds since the Unix epoch, UTC.

Everything that depends on the time takes `now` as an argument; only the outermost callers (a view, an actor, the
ticker) read this clock. Tests move it by setting `source`.
"""

import time
from collections.abc import Callable

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY


def wall_clock() -> int:
    return time.time_ns() // 1_000


source: Callable[[], int] = wall_clock


def now() -> int:
    """The present instant, in microseconds since the Unix epoch."""
    return source()


def behind_us() -> int:
    """How far this clock is behind the system's, which the database has, too: nothing, unless a test moved this one."""
    return 0 if source is wall_clock else wall_clock() - source()
