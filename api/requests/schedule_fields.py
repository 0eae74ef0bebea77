"""Owns the fields that make an order recur: how often, in which zone, and what happens to instants that can't be kept.

Reading a field may ask the settings (the shortest interval), never the database.
"""

import json
import re
from typing import Any

from marshmallow import ValidationError, validates_schema

from api.context import settings
from api.requests.body import kind_of
from api.requests.fields import Must, Strict, one_of, shown
from api.requests.nearest import nearest
from api.responses.responses import ApiError, invalid
from models.rules import recurrence, times
from models.rules.clock import SECOND
from models.schedules import policies

UNITS = "second(s), minute(s), hour(s), day(s) or week(s)"
AN_INTERVAL = f"a number of seconds or a pair [number, unit], the unit {UNITS}"
A_CRON = f"five cron fields, such as 0 9 * * 1-5, or one of {', '.join(recurrence.ALIASES)}"
A_ZONE = "the name of an IANA time zone, such as Europe/Berlin"
FREQUENCY = ("repeat_every", "cron")
POLICIES = ("overlap", "misfire", "catch_up_seconds", "jitter_seconds", "disable_after_failures")
LAST_FROM = times.parse_instant("3000-01-01T00:00:00Z")

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,6})?")
_SPELLED = re.compile(r"\[?([0-9]{1,15}(?:\.[0-9]{1,6})?)(?:[, ] ?\"?([a-z]+)\"?)?\]?")


def read_repeat_every(value: Any) -> int:
    """Microseconds from one instant to the next."""
    interval = times.parse_duration(value)
    least_s, most_days = settings().min_interval_s, settings().horizon_days
    if interval < least_s * SECOND:
        raise ValidationError(f"must be at least {least_s:g} seconds, got {shown(value)}")
    if interval > most_days * 86_400 * SECOND:
        raise ValidationError(f"must be at most {most_days} days, got {shown(value)}")
    return interval


def read_cron(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"must be {A_CRON}, got {kind_of(value)}")
    try:
        return recurrence.check_cron(value)
    except recurrence.CronRefused as error:
        raise ValidationError(str(error)) from None


def read_zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    if not recurrence.is_zone(value):
        close = nearest(value, recurrence.zones())
        hint = f", did you mean {close}?" if close else ""
        raise ValidationError(f"must be {A_ZONE}, got {shown(value)}{hint}")
    return value


def read_spelled_interval(value: Any) -> int:
    """`300`, `5,minutes`, `5 minutes` or `[5,"minutes"]` in a query string."""
    match = _SPELLED.fullmatch(value)
    if not match:
        raise ValueError
    return read_repeat_every([json.loads(match[1]), match[2] or "seconds"])


def read_from(value: Any) -> int:
    """An instant in a query string."""
    instant = times.parse_instant(json.loads(value) if _NUMBER.fullmatch(value) else value)
    if not 0 <= instant <= LAST_FROM:
        raise ValueError
    return instant


def too_many() -> ApiError:
    """422: the account has its share of schedules."""
    most = settings().max_schedules
    return invalid({"": [f"must be one of at most {most} enabled schedules of an account, got one more"]})


def whole(low: int, high: int, **options: Any) -> Must:
    """A whole number in a JSON body."""

    def read(value: Any) -> int:
        if not times.is_number(value) or value != int(value) or not low <= value <= high:
            raise ValueError
        return int(value)

    return Must(f"a whole number from {low} to {high}", read, "integer", allow_none=True, **options)


class RecurringFields(Strict):
    """What makes an order recur; all of it may be left out of one that shall not."""

    repeat_every = Must(AN_INTERVAL, read_repeat_every, allow_none=True)
    cron = Must(A_CRON, read_cron, "string", allow_none=True)
    timezone = Must(A_ZONE, read_zone, "string", allow_none=True)
    overlap = one_of(policies.OVERLAPS, ", ".join(policies.OVERLAPS), allow_none=True)
    misfire = one_of(policies.MISFIRES, ", ".join(policies.MISFIRES), allow_none=True)
    catch_up_seconds = whole(60, 604_800)
    jitter_seconds = whole(0, 3600)
    disable_after_failures = whole(1, 1000)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_frequency(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:
        """A frequency that was sent counts, right or wrong: what else is wrong is not told twice."""
        errors = {}
        repeat_every, cron = (sent.get(name) is not None for name in FREQUENCY)
        if repeat_every and cron:
            errors["cron"] = ["must be absent when repeat_every is given, got both"]
        if data.get("timezone") is not None and not cron:
            errors["timezone"] = ["must be absent without cron, got one"]
        if not repeat_every and not cron:
            for name in POLICIES:
                if data.get(name) is not None:
                    errors[name] = ["must be absent without repeat_every or cron, got one"]
        if errors:
            raise ValidationError(errors)
