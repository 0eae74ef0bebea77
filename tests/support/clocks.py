"""A clock that the test moves, so that nothing waits; and what sets that of another process apart."""

from pathlib import Path

from models.rules import clock

START = 1_767_258_000_000_000  # 2026-01-01T09:00:00Z
SETS_CLOCK = Path(__file__).with_name("clock_ahead")


def clock_ahead(ahead_ms):
    """The environment of a Python program whose clock is so far ahead; behind, if less than nothing."""
    return {"PYTHONPATH": str(SETS_CLOCK), "CLOCK_AHEAD_MS": str(ahead_ms)}


class SteadyClock:
    """In the place of the module `time`: its steady clock stands still until it is moved."""

    def __init__(self):
        self.at_s = 100.0

    def monotonic(self):
        return self.at_s


class MovedClock:
    """The time as the test sets it, in microseconds."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **spans):
        units = {"seconds": clock.SECOND, "minutes": clock.MINUTE, "hours": clock.HOUR, "days": clock.DAY}
        self.now += sum(int(amount * units[unit]) for unit, amount in spans.items())
