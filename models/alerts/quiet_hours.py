"""Says whether an instant lies in the quiet hours of a rule, and when they end. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from models.alerts.conditions import Quiet
from models.rules.clock import SECOND

MINUTES_A_DAY = 24 * 60


def end_of_quiet(quiet: Quiet, now: int) -> int | None:
    """When the quiet hours of this instant end; None: it lies in none. They follow the local clock, also on days on
    which the clock changes."""
    zone = ZoneInfo(quiet.timezone)
    here = datetime.fromtimestamp(now / SECOND, UTC).astimezone(zone)
    minute = here.hour * 60 + here.minute
    lasts = (minute - quiet.start) % MINUTES_A_DAY < (quiet.end - quiet.start) % MINUTES_A_DAY
    if not lasts:
        return None
    day = here.date() if minute < quiet.end else here.date() + timedelta(days=1)
    end_s = _first_at(datetime(day.year, day.month, day.day, quiet.end // 60, quiet.end % 60, tzinfo=zone))
    return max(end_s * SECOND, now + SECOND)


def _first_at(wall: datetime) -> int:
    """The first second at which the local clock shows this time, or has skipped it."""
    first_s, after_gap = int(wall.timestamp()), wall.replace(fold=1)
    for at_s in range(int(after_gap.timestamp()), first_s, 60):  # longer than nothing only if the clock skips the time
        if datetime.fromtimestamp(at_s, wall.tzinfo).utcoffset() == after_gap.utcoffset():
            return at_s
    return first_s
