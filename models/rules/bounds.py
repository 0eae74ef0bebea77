"""Limits the instants of a frequency: not before a start, not after an end, not on excluded days, only so many. Pure.

Days are those of the schedule's zone. They are kept as ordinals, in ranges that ascend and do not touch. `exclude` as
clients send it is a list of days, or an object of `days` and of `calendars`, which have names.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from models.rules import times
from models.rules.clock import SECOND

MAX_EXCLUDED = 200
MAX_NAMED = 10  # calendars of a schedule
LAST_YEAR = 8000
A_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

Days = tuple[int, int]  # the ordinals of the first and the last day


class WrongDays(ValueError):
    """Days of the right form that can't be; the message says what they must be."""


class Bounds(NamedTuple):
    """None and () do not limit. `until` is the last instant that counts. `max_runs` is counted by the planner."""

    starts_at: int | None = None
    until: int | None = None
    exclude: tuple[Days, ...] = ()
    max_runs: int | None = None


NAMES = Bounds._fields
UNBOUNDED = Bounds()


def bounds_of(fields: Mapping[str, Any], calendar_days: str | None = None) -> Bounds:
    """The bounds among the members of a frequency as it is stored: as its owner sent them. `calendar_days`: what the
    calendars that it names exclude, as `text_of` writes it."""
    bounds = Bounds(**{name: READ[name](fields[name]) for name in NAMES if fields.get(name) is not None})
    if calendar_days is None:
        return bounds
    return bounds._replace(exclude=merged([*bounds.exclude, *map(tuple, json.loads(calendar_days))]))


def bounds_in(values: Mapping[str, Any]) -> Bounds:
    """The bounds among values that are read already. `exclude`: with `days`, whatever else is excluded."""
    values = {name: values[name] for name in NAMES if values.get(name) is not None}
    return Bounds(**(values | ({"exclude": values["exclude"].days} if "exclude" in values else {})))


def days_of(value: Any) -> Days:
    """The days of "2026-12-24", or of {"from": "2026-12-24", "to": "2027-01-01"}. Raises WrongDays, or ValueError for
    another form."""
    if isinstance(value, str):
        return _ordinal(value), _ordinal(value)
    if not isinstance(value, dict) or set(value) != {"from", "to"}:
        raise ValueError(value)
    first, last = _ordinal(value["from"]), _ordinal(value["to"])
    if last < first:
        raise WrongDays("must not end before it begins")
    return first, last


def text_of(ranges: Sequence[Days]) -> str:
    """Days of calendars as a schedule keeps them: JSON."""
    return json.dumps(ranges, separators=(",", ":"))


def calendars_of(fields: Mapping[str, Any]) -> list[str]:
    """The names of the calendars among the members of a frequency."""
    exclude = fields.get("exclude")
    return list(exclude.get("calendars") or ()) if isinstance(exclude, dict) else []


def _own_days(exclude: Any) -> tuple[Days, ...]:
    days = exclude.get("days") or () if isinstance(exclude, dict) else exclude
    return merged(map(days_of, days))


def merged(ranges: Iterable[Days]) -> tuple[Days, ...]:
    """The same days in as few ranges as possible."""
    result: list[Days] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


READ: dict[str, Callable[[Any], Any]] = {
    "starts_at": times.parse_instant,
    "until": times.parse_instant,
    "exclude": _own_days,
    "max_runs": int,
}


def excluded_until(bounds: Bounds, timezone: str, instant: int) -> int | None:
    """When the excluded days end that an instant lies in; None when it lies in none. Later than the instant."""
    if not bounds.exclude:
        return None
    zone = ZoneInfo(timezone)
    day = datetime.fromtimestamp(instant // SECOND, zone).toordinal()
    place = bisect_right(bounds.exclude, day, key=lambda days: days[0])
    last = bounds.exclude[place - 1][1] if place else 0
    if last < day:
        return None
    midnight = datetime.combine(date.fromordinal(last + 1), time(), zone)
    return max(int(midnight.astimezone(UTC).timestamp()) * SECOND, instant + 1)


def _ordinal(text: Any) -> int:
    if not isinstance(text, str) or not A_DAY.fullmatch(text):
        raise ValueError(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongDays("must name days that exist") from None
    if day.year > LAST_YEAR:
        raise WrongDays(f"must name days up to the year {LAST_YEAR}")
    return day.toordinal()
