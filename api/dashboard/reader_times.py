"""Reads the local times of forms and addresses, in the zone that they name beside them: that of the reader's browser.

Where no zone is named, as in a page without script, local times are those of UTC. Pure.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError

from api.requests.fields import shown
from api.requests.job_values import WITHOUT_A_ZONE
from models.rules import times

ZONE = "zone"  # the field that names it
A_ZONE = "a time zone that this server knows, such as Europe/Berlin"
DATE_CHARS = len("2026-11-28")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; "" names UTC. Raises ValidationError for a name that is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):
        raise ValidationError(f"must be {A_ZONE}, got {shown(name)}", ZONE) from None


def in_utc(fields: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The fields without their zone, and the times of `names` as the API takes them: `2026-11-28T11:00:00.000000Z`. A
    text that is no time stays as it is, for a schema to refuse. Raises ValidationError for a zone that is none if there
    is a time: a browser may know zones that the server does not."""
    zone = zone_of(fields.get(ZONE, "") if any(fields.get(name) for name in names) else "")
    return {name: _as_instant(text, zone) if name in names else text for name, text in fields.items() if name != ZONE}


def load(schema: Schema, fields: Mapping[str, str], names: Collection[str]) -> dict[str, Any]:
    """What a schema reads of a form with local times. Raises ValidationError, which quotes a time as it was typed."""
    instants = in_utc(fields, names)
    try:
        values: dict[str, Any] = schema.load(instants)
    except ValidationError as error:
        errors = error.normalized_messages()
        raise ValidationError({name: _as_typed(errors[name], name, fields, instants) for name in errors}) from None
    return values


def in_zone(errors: Mapping[str, list[str]], zone: str) -> dict[str, list[str]]:
    """The errors of a form with local times. A schema says what the API does with a time without a zone."""
    of_the_form = WITHOUT_A_ZONE.replace("UTC", zone or "UTC")
    return {name: [text.replace(WITHOUT_A_ZONE, of_the_form) for text in texts] for name, texts in errors.items()}


def instant_of(text: str, zone: ZoneInfo) -> int:
    """The instant of a date, or of a date and a time; without an offset it is one of the zone. Raises ValueError or
    OverflowError."""
    if len(text) == DATE_CHARS:
        return day_begins(date.fromisoformat(text), zone)
    local = datetime.fromisoformat(text)
    return _micros(local if local.tzinfo else local.replace(tzinfo=zone))


def day_begins(day: date, zone: ZoneInfo) -> int:
    return _micros(datetime.combine(day, time(), zone))


def _as_typed(texts: list[str], name: str, fields: Mapping[str, str], instants: Mapping[str, str]) -> list[str]:
    if name not in instants:
        return texts
    return [text.replace(shown(instants[name]), shown(fields[name])) for text in texts]


def _as_instant(text: str, zone: ZoneInfo) -> str:
    try:
        return times.format_instant(instant_of(text, zone))
    except (ValueError, OverflowError):
        return text


def _micros(local: datetime) -> int:
    return (local.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
