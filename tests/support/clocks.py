"""A clock that the test moves, so that nothing waits."""

from models.rules import clock

START = 1_767_258_000_000_000  # 2026-01-01T09:00:00Z


class MovedClock:
    """The time as the test sets it, in microseconds."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def advance(self, **spans):
        units = {"seconds": clock.SECOND, "minutes": clock.MINUTE, "hours": clock.HOUR, "days": clock.DAY}
        self.now += sum(int(amount * units[unit]) for unit, amount in spans.items())
