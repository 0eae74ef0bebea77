"""Defines the fields that make a job recur: how often, in which zone, and what happens to instants it can't keep.

Reading a field may ask the settings (the shortest interval), never the database.
"""

from typing import Any

from marshmallow import ValidationError, validates_schema

from api.context import settings
from api.requests.fields import Must, choice, shown, text_form, whole
from api.requests.job_requests import TIMES
from api.requests.job_values import DURATION_FORM, INSTANT_FORM, UNITS
from api.requests.options.calendars import EXCLUDED, EXCLUDED_FORM, read_excluded
from api.requests.reading.body import kind_of
from api.requests.reading.strict_schema import Strict, nearest
from api.responses.responses import ApiError
from models.jobs.replays import POLICIES
from models.rules import recurrence, times
from models.rules.clock import DAY, SECOND
from models.schedules import policies

AN_INTERVAL = f"a number of seconds, a text such as 90s or 1h30m, or a pair [number, unit], the unit {UNITS}"
A_CRON = (
    "five cron fields, such as 0 9 * * 1-5, or six with a second before them, "
    f"or one of {', '.join(recurrence.ALIASES)}"
)
A_ZONE = "the name of an IANA time zone, such as Europe/Berlin"
FREQUENCY = ("repeat_every", "cron")
A_BOUND = "a date and time with a year from 1970 to 8999, or a Unix timestamp"
LATEST_BOUND = times.parse_instant("8999-12-31T23:59:59Z")

CRON_FORM = text_form(recurrence.MAX_CRON_CHARS, 1) | {"format": "cron", "example": "0 9 * * 1-5"}
ZONE_FORM = {"type": "string", "format": "time-zone", "example": "Europe/Berlin"}


def read_repeat_every(value: Any) -> int:
    """Microseconds from one instant to the next."""
    interval = times.parse_duration(value)
    min_s, max_days = settings().min_interval_s, settings().horizon_days
    if interval < min_s * SECOND:
        raise ValidationError(f"must be at least {min_s:g} seconds, got {shown(value)}")
    if interval > max_days * DAY:
        raise ValidationError(f"must be at most {max_days} days, got {shown(value)}")
    return interval


def read_cron(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"must be {A_CRON}, got {kind_of(value)}")
    try:
        recurrence.check_cron(value)
    except recurrence.CronRefused as error:
        raise ValidationError(str(error)) from None
    gap_s, min_s = recurrence.shortest_gap_s(value), settings().min_interval_s
    if gap_s < min(min_s, 60):
        raise ValidationError(f"must have seconds at least {min_s:g} apart, got {shown(value)}: {gap_s} apart")
    return value


def read_zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    if not recurrence.is_zone(value):
        close = nearest(value, recurrence.zones())
        hint = f", did you mean {close}?" if close else ""
        raise ValidationError(f"must be {A_ZONE}, got {shown(value)}{hint}")
    return value


def not_computable() -> ApiError:
    """409: this process can't compute when the schedule is due next."""
    reason = "The schedule's next instant can't be computed here; perhaps this server lacks its time zone."
    return ApiError(409, f"{reason} It stays disabled: give it another frequency, or tell the operator.")


def read_bound(value: Any) -> int:
    """An instant before or after which a schedule has none."""
    instant = times.parse_instant(value)
    if not 0 <= instant <= LATEST_BOUND:
        raise ValueError
    return instant


class RecurringFields(Strict):
    """What makes a job recur. A job that runs once has none of these fields."""

    class Meta(Strict.Meta):
        # A schema has an attribute of its own called `exclude`.
        include = {"exclude": Must(EXCLUDED, read_excluded, EXCLUDED_FORM, allow_none=True)}

    repeat_every = Must(AN_INTERVAL, read_repeat_every, DURATION_FORM, allow_none=True)
    cron = Must(A_CRON, read_cron, CRON_FORM, allow_none=True)
    timezone = Must(A_ZONE, read_zone, ZONE_FORM, allow_none=True)
    overlap = choice(policies.OVERLAPS, allow_none=True)
    misfire = choice(policies.MISFIRES, allow_none=True)
    catch_up_seconds = whole(60, 604_800, allow_none=True)
    jitter_seconds = whole(0, 3600, allow_none=True)
    disable_after_failures = whole(1, 1000, allow_none=True)
    starts_at = Must(A_BOUND, read_bound, INSTANT_FORM, allow_none=True)
    until = Must(A_BOUND, read_bound, INSTANT_FORM, allow_none=True)
    max_runs = whole(1, 1_000_000_000, allow_none=True)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_frequency(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:
        """A frequency counts as sent even if it is wrong, so that its error is the only one."""
        errors = {}
        repeat_every, cron = (sent.get(name) is not None for name in FREQUENCY)
        if repeat_every and cron:
            errors["cron"] = ["must be absent when repeat_every is given, got both"]
        if data.get("timezone") is not None and not cron:
            errors["timezone"] = ["must be absent without cron, got one"]
        if data.get("starts_at") is not None and any(sent.get(name) is not None for name in TIMES):
            errors["starts_at"] = ["must be absent when schedule_in or scheduled_at is given, got both"]
        if not repeat_every and not cron:
            for name in POLICIES:
                if data.get(name) is not None:
                    errors[name] = ["must be absent without repeat_every or cron, got one"]
        if errors:
            raise ValidationError(errors)
