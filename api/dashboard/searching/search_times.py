"""Reads the times of the search box, such as `yesterday`, `2h` and `+2h`, in the zone of the reader. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.dashboard.reader_times import day_begins, instant_of
from models.rules import times
from models.rules.clock import SECOND

EXPECTED = (
    "today, yesterday, tomorrow, a time ago such as 2h or 7d, a time ahead such as +2h, a date such as 2026-11-28, or "
    "a date and time"
)
DAYS_AHEAD = {"today": 0, "yesterday": -1, "tomorrow": 1}


def read_time(text: str, now: int, zone: ZoneInfo) -> int:
    """The instant that a text names. Raises ValueError or OverflowError."""
    word = text.lower()
    if word in DAYS_AHEAD:
        today = datetime.fromtimestamp(now // SECOND, zone).date()
        return day_begins(today + timedelta(days=DAYS_AHEAD[word]), zone)
    try:
        length = times.parse_duration(word.removeprefix("+"))
        return now + length if word.startswith("+") else now - length
    except ValueError:
        return instant_of(text, zone)
