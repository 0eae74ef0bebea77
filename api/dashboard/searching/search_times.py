"""Reads the times of the search box, such as `yesterday`, `2h` and `2026-11-28`, in the zone of the reader. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from models.rules import times
from models.rules.clock import SECOND

EXPECTED = "today, yesterday, a time ago such as 2h or 7d, a date such as 2026-11-28, or a date and time"
DAYS_AGO = {"today": 0, "yesterday": 1}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; UTC for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def read_time(text: str, now: int, zone: ZoneInfo) -> int:
    """The instant that a text names. Raises ValueError or OverflowError."""
    word = text.lower()
    if word in DAYS_AGO:
        today = datetime.fromtimestamp(now // SECOND, zone).date()
        return _day_begins(today - timedelta(days=DAYS_AGO[word]), zone)
    try:
        return now - times.parse_duration(word)
    except ValueError:
        return _date_or_time(text, zone)


def _date_or_time(text: str, zone: ZoneInfo) -> int:
    """A date, or a date and time; without an offset it is one of the zone."""
    if len(text) == len("2026-11-28"):
        return _day_begins(date.fromisoformat(text), zone)
    local = datetime.fromisoformat(text)
    return _micros(local if local.tzinfo else local.replace(tzinfo=zone))


def _day_begins(day: date, zone: ZoneInfo) -> int:
    return _micros(datetime.combine(day, time(), zone))


def _micros(local: datetime) -> int:
    return (local.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
