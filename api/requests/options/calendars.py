"""Reads the excluded days of schedules and calendars, and the names of calendars."""

from typing import Any, NamedTuple

from marshmallow import ValidationError

from api.requests.fields import shown
from api.requests.ids import A_NAME, NAME
from api.requests.text_forms import pattern_form
from models.rules import bounds
from models.rules.bounds import MAX_EXCLUDED, MAX_NAMED, Days

A_CALENDAR = f"the name of a calendar: {A_NAME}"
A_DAY = 'a day "2026-12-24", or {"from": "2026-12-24", "to": "2027-01-01"}'
RANGES = 'days "2026-12-24" and ranges {"from": "2026-12-24", "to": "2027-01-01"}'
EXCLUDED = (
    f'a list of at most {MAX_EXCLUDED} {RANGES}; or an object of such "days", and "calendars", '
    f"a list of at most {MAX_NAMED} names"
)

DAY_FORM = {"type": "string", "format": "date"}
RANGE_FORM = {
    "type": "object",
    "properties": {"from": DAY_FORM, "to": DAY_FORM},
    "required": ["from", "to"],
    "additionalProperties": False,
}
NAMES_FORM = {"type": "array", "items": pattern_form(NAME.pattern, "holidays"), "maxItems": MAX_NAMED}


def days_form(max_days: int) -> dict[str, Any]:
    return {"type": "array", "items": {"anyOf": [DAY_FORM, RANGE_FORM]}, "maxItems": max_days}


EXCLUDED_FORM = {
    "anyOf": [
        days_form(MAX_EXCLUDED),
        {
            "type": "object",
            "properties": {"days": days_form(MAX_EXCLUDED), "calendars": NAMES_FORM},
            "additionalProperties": False,
        },
    ]
}


class Excluded(NamedTuple):
    """When a schedule has no instant: days, and those of the calendars of these names."""

    days: tuple[Days, ...]
    calendars: tuple[str, ...] = ()


def read_excluded(value: Any) -> Excluded:
    if not isinstance(value, dict):
        return Excluded(read_days(value, MAX_EXCLUDED))
    if not set(value) <= {"days", "calendars"}:
        raise ValueError
    return Excluded(
        _named("days", lambda: read_days(value.get("days", []), MAX_EXCLUDED)),
        _named("calendars", lambda: read_names(value.get("calendars", []))),
    )


def read_days(value: Any, max_days: int) -> tuple[Days, ...]:
    """Days and ranges of days."""
    if not isinstance(value, list) or len(value) > max_days:
        raise ValueError
    ranges: list[Days] = []
    for number, each in enumerate(value):
        try:
            ranges.append(bounds.days_of(each))
        except bounds.WrongDays as wrong:
            raise ValidationError({str(number): [f"{wrong}, got {shown(each)}"]}) from None
        except ValueError:
            raise ValidationError({str(number): [f"must be {A_DAY}, got {shown(each)}"]}) from None
    return bounds.merged(ranges)


def read_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_NAMED:
        raise ValueError
    for number, each in enumerate(value):
        if not isinstance(each, str) or not NAME.fullmatch(each):
            raise ValidationError({str(number): [f"must be {A_CALENDAR}, got {shown(each)}"]})
    return tuple(value)


def _named(name: str, read: Any) -> Any:
    """What is read of a member; its errors bear its name."""
    try:
        return read()
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None
