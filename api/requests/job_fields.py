"""Owns the fields of an order for a request (POST /jobs): how each is read, checked and explained.

Reading a field may ask the settings (whether http is allowed, how far ahead a job may lie), never the database.
"""

from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from api.context import settings
from api.requests.body import Fields, kind_of
from api.requests.fields import Must, shown, text
from api.requests.job_requests import JobRequest
from api.requests.labels import LABELS, read_labels
from api.requests.policy_fields import BACKOFF, read_backoff, read_redact
from api.requests.schedule_fields import RecurringFields
from models.rules import clock, times
from models.rules.query_strings import with_query
from models.rules.request_rules import METHODS, HeadersRefused, check_headers
from models.rules.url_rules import MAX_URL_CHARS, UrlRefused, check_url

UNITS = "second(s), minute(s), hour(s), day(s) or week(s)"
A_DURATION = f"a number of seconds from 0 up or a pair [number, unit], the unit {UNITS}"
AN_INSTANT = "a date and time such as 2026-01-31T09:00:00Z (without a zone: UTC) or a Unix timestamp"
MAX_KEY_CHARS = 255
KEY_EXPECTED = "a string of 1 to 255 printable characters"


def read_method(value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or value.upper() not in METHODS:
        raise ValueError
    return value.lower()


def read_url(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"must be an https URL, got {kind_of(value)}")
    try:
        check_url(value, settings().allow_http)
    except UrlRefused as error:
        raise ValidationError(str(error)) from None
    return value


def read_headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValidationError(f"must be an object of names and strings, got {kind_of(value)}")
    try:
        check_headers(value)
    except HeadersRefused as error:
        raise ValidationError({name: [message] for name, message in error.errors.items()}) from None
    return value


def read_query(value: Any) -> dict[str, Any]:
    """Values are not told in errors: they may be secrets."""
    if not isinstance(value, dict):
        raise ValidationError(f"must be an object of names and values, got {kind_of(value)}")
    return value


def read_schedule_in(value: Any) -> int:
    """Microseconds from now."""
    wait = times.parse_duration(value)
    _check_horizon(wait, value)
    return wait


def read_scheduled_at(value: Any) -> int:
    """An instant; a past one means at once."""
    at = times.parse_instant(value)
    _check_horizon(at - clock.now(), value)
    return at


def read_key(value: Any) -> str:
    """An idempotency key, from the field or the header."""
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_KEY_CHARS or not value.isprintable():
        raise ValueError
    return value


def read_timeout(value: Any) -> int:
    """Milliseconds."""
    if not times.is_number(value) or not 1 <= value <= 900:
        raise ValueError
    return round(value * 1000)


def read_max_attempts(value: Any) -> int:
    if not times.is_number(value) or value != int(value) or not 1 <= value <= 100:
        raise ValueError
    return int(value)


def read_max_age(value: Any) -> int:
    """Microseconds after the instant the job is due."""
    age = times.parse_duration(value)
    _check_horizon(age, value)
    return age


class JobFields(RecurringFields):
    """What POST /jobs takes."""

    method = Must("one of get, post, put, patch, delete, head, options", read_method, "string")
    url = Must("an https URL", read_url, "string", required=True)
    query = Must("an object", read_query, "object", allow_none=True)
    body = Must("any JSON value", lambda value: value, allow_none=True)
    headers = Must("an object of names and strings", read_headers, "object", allow_none=True)
    schedule_in = Must(A_DURATION, read_schedule_in, allow_none=True)
    scheduled_at = Must(AN_INSTANT, read_scheduled_at, allow_none=True)
    idempotency_key = Must(KEY_EXPECTED, read_key, "string", allow_none=True)
    name = text(255, allow_none=True)
    description = text(4096, allow_none=True)
    timeout = Must("a number of seconds from 1 to 900", read_timeout, "number", allow_none=True)
    max_attempts = Must("a whole number from 1 to 100", read_max_attempts, "integer", allow_none=True)
    backoff = Must(BACKOFF, read_backoff, allow_none=True)
    labels = Must(LABELS, read_labels, "array", allow_none=True)
    max_age = Must(A_DURATION, read_max_age, allow_none=True)
    redact = Must('a list of header names and "body"', read_redact, "array", allow_none=True)
    callback_url = Must("an https URL", read_url, "string", allow_none=True)
    callback = Must("an https URL", read_url, "string", allow_none=True)
    failure_callback_url = Must("an https URL", read_url, "string", allow_none=True)
    webhook_url = Must("an https URL", read_url, "string", allow_none=True)
    webhook = Must("an https URL", read_url, "string", allow_none=True)

    @validates_schema(skip_on_field_errors=False)
    def check_one_time(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("schedule_in") is not None and data.get("scheduled_at") is not None:
            raise ValidationError("must be absent when schedule_in is given, got both", "scheduled_at")

    @validates_schema(skip_on_field_errors=False)
    def check_aliases(self, data: dict[str, Any], **_: Any) -> None:
        both = [name for name in ("callback", "webhook") if data.get(name) and data.get(f"{name}_url")]
        if both:
            raise ValidationError({name: [f"must be absent when {name}_url is given, got both"] for name in both})

    @validates_schema(skip_on_field_errors=False)
    def check_whole_url(self, data: dict[str, Any], **_: Any) -> None:
        length = len(with_query(data.get("url", ""), data.get("query")))
        if length > MAX_URL_CHARS:
            raise ValidationError(f"must make a URL of at most {MAX_URL_CHARS} characters, got {length}", "query")

    @post_load(pass_original=True)
    def as_order(self, data: dict[str, Any], original: Fields, **_: Any) -> JobRequest:
        return JobRequest(data, original)


def due_at(order: JobRequest, now: int) -> int:
    """When a checked order is due."""
    wait, at = order.values.get("schedule_in"), order.values.get("scheduled_at")
    if wait is not None:
        return now + int(wait)
    return now if at is None else max(now, int(at))


def _check_horizon(ahead: int, value: Any) -> None:
    days = settings().horizon_days
    if ahead > days * clock.DAY:
        raise ValidationError(f"must be at most {days} days ahead, got {shown(value)}")
