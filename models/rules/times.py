"""Parses and formats times as clients write them: durations, dates with a time, Unix timestamps. Pure.

Values in, integers out: microseconds, or microseconds since the Unix epoch, UTC. What can't be parsed raises
ValueError; the caller says what was expected. A result may lie far outside the calendar; only the caller knows how far
ahead is allowed.
"""

import math
import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any

from models.rules.clock import DAY, HOUR, MILLISECOND, MINUTE, SECOND, WEEK

UNITS = {"second": SECOND, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": WEEK}
UNITS |= {f"{unit}s": length for unit, length in UNITS.items()}
LETTERS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND}
FIRST_MILLISECONDS = 10**11  # a smaller number is seconds (up to the year 5138), from here on milliseconds
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC without saying so
EPOCH_DAY = date(1970, 1, 1).toordinal()

_DATE_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,30}))?)?"
    r"(?:([Zz])| ?([+-])([0-9]{2})(?::?([0-9]{2}))?)?"
)

# What the API's document says of a date with a time; which month has how many days no pattern says.
DATE_TIME_PATTERN = (
    "[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]"
    "(:[0-5][0-9]([.,][0-9]{1,30})?)?"
    "([Zz]| ?[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?"
)

_DURATION_PART = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)(w|d|h|ms|m|s)")
DURATION_PATTERN = f"({_DURATION_PART.pattern}){{1,6}}"
_DURATION = re.compile(DURATION_PATTERN)


def parse_duration(value: Any) -> int:
    """Microseconds of a number of seconds, of a pair [number, unit], or of a text such as 90s or 1h30m; never
    negative."""
    if isinstance(value, str):
        return _duration_of_text(value)
    if isinstance(value, list | tuple):
        amount, unit = value
        length = UNITS[unit] if isinstance(unit, str) and unit in UNITS else None
    else:
        amount, length = value, SECOND
    if length is None or not is_number(amount) or amount < 0:
        raise ValueError(value)
    return _times(amount, length)


def parse_instant(value: Any) -> int:
    """The instant of an ISO 8601 text (without a zone: UTC) or of a Unix timestamp (from 10^11 on in milliseconds)."""
    if isinstance(value, str):
        return _instant_of_text(value)
    if not is_number(value):
        raise ValueError(value)
    return _times(value, MILLISECOND if value >= FIRST_MILLISECONDS else SECOND)


def format_instant(instant: int) -> str:
    """An instant as text: `2023-09-01T18:26:20.353046Z`."""
    second, microsecond = divmod(instant, SECOND)
    return f"{_second(second)}.{microsecond:06d}Z"


def instant_or_none(instant: int | None) -> str | None:
    """An instant as text; None stays None."""
    return None if instant is None else format_instant(instant)


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    return (EPOCH + timedelta(seconds=second)).isoformat()


def format_seconds(instant: int) -> str:
    """The same without zone and in whole seconds: `2023-09-01T18:26:20`."""
    return _second(instant // SECOND)


def is_number(value: Any) -> bool:
    """Whether `value` is a finite number; true and false are not."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _times(amount: int | float, length: int) -> int:
    # By way of a fraction: a float product would overflow for 1e308 and round microseconds away.
    return amount * length if isinstance(amount, int) else round(Fraction(amount) * length)


def _duration_of_text(text: str) -> int:
    if not _DURATION.fullmatch(text):
        raise ValueError(text)
    return sum(round(Fraction(amount) * LETTERS[unit]) for amount, unit in _DURATION_PART.findall(text))


def _instant_of_text(text: str) -> int:
    match = _DATE_TIME.fullmatch(text)
    if not match:
        raise ValueError(text)
    year, month, day, hour, minute = (int(part) for part in match.groups()[:5])
    second, fraction = int(match[6] or 0), int(((match[7] or "") + "000000")[:6])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(text)
    days = date(year, month, day).toordinal() - EPOCH_DAY
    local = days * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction
    return local - _offset(match[9], match[10], match[11])


def _offset(sign: str | None, hours: str | None, minutes: str | None) -> int:
    if sign is None:
        return 0
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise ValueError(hours)
    length = int(hours or 0) * HOUR + int(minutes or 0) * MINUTE
    return length if sign == "+" else -length
