"""Random bounds of schedules, with the plainest reading of what is within them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from models.rules.bounds import Bounds, merged
from models.rules.clock import SECOND


def day_of(instant, zone):
    return datetime.fromtimestamp(instant // SECOND, UTC).astimezone(ZoneInfo(zone)).date()


def random_bounds(chance, first, last, zone):
    """Bounds, and whether an instant is within them, by the plainest reading."""
    starts_at = chance.choice([None, chance.randint(first, last)])
    until = chance.choice([None, chance.randint(first, last)])
    days = [day_of(chance.randint(first, last), zone) for _ in range(chance.randint(0, 4))]
    ranges = [(day, day + timedelta(days=chance.randint(0, 9))) for day in days]

    def fits(instant):
        day = day_of(instant, zone)
        return (
            (starts_at is None or instant >= starts_at)
            and (until is None or instant <= until)
            and not any(begin <= day <= end for begin, end in ranges)
        )

    exclude = merged((begin.toordinal(), end.toordinal()) for begin, end in ranges)
    return Bounds(starts_at, until, exclude), fits
