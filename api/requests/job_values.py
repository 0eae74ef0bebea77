"""Reads the single values of a request for a job: method, URL, headers, times, limits, labels.

Reading a value may ask the settings (whether http is allowed, how far ahead a job may lie), never the database.
"""

import base64
import unicodedata
from typing import Any

from marshmallow import ValidationError

from api.context import settings
from api.requests.fields import number_form, shown, text_form, words_form
from api.requests.reading.body import kind_of
from api.requests.text_forms import DURATION_TEXT, HEADER_NAME, HEADER_VALUE_FORM, INSTANT_TEXT, printable_form
from models.rules import clock, times
from models.rules.listener_urls import is_listener_url, split_listener_url
from models.rules.request_rules import MAX_HEADERS, METHODS, HeadersRefused, check_headers
from models.rules.url_rules import MAX_URL_CHARS, UrlRefused, check_url

UNITS = "second(s), minute(s), hour(s), day(s) or week(s)"
MAX_KEY_CHARS = 255
MAX_LABELS = 10
MAX_LABEL_CHARS = 50
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
TURNS = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

NO_ADDRESS = "targets would have no address at which to acknowledge"
A_METHOD = f"one of {', '.join(METHODS).lower()}"
A_URL = "an https URL"
A_DURATION = f"a number of seconds from 0 up, a text such as 90s or 1h30m, or a pair [number, unit], the unit {UNITS}"
A_TIMEOUT = "a number of seconds from 1 up, or a text such as 90s"
WITHOUT_A_ZONE = "without a zone: UTC"
AN_INSTANT = f"a date and time such as 2026-01-31T09:00:00Z ({WITHOUT_A_ZONE}) or a Unix timestamp"
A_KEY = f"a string of 1 to {MAX_KEY_CHARS} printable characters"
A_BASE64 = "base64 of the bytes to send (RFC 4648, with padding, without line ends)"
A_LABEL = f"a string of 1 to {MAX_LABEL_CHARS} printable characters"
LABELS = f"a list of at most {MAX_LABELS} different strings of 1 to {MAX_LABEL_CHARS} printable characters"

METHOD_FORM = words_form([method.lower() for method in METHODS])
URL_FORM = text_form(MAX_URL_CHARS, 1) | {"format": "uri", "example": "https://example.com/hook"}
TARGET_URL_FORM = {"description": f"Must be {A_URL}, or listener://NAME/PATH.", **URL_FORM}
KEY_FORM = printable_form(MAX_KEY_CHARS)
LABEL_FORM = printable_form(MAX_LABEL_CHARS)
LABELS_FORM = {"type": "array", "items": LABEL_FORM, "maxItems": MAX_LABELS, "uniqueItems": True}
HEADERS_FORM = {
    "type": "object",
    "propertyNames": {"pattern": HEADER_NAME},
    "additionalProperties": HEADER_VALUE_FORM,
    "maxProperties": MAX_HEADERS,
}
A_PAIR = {
    "type": "array",
    "prefixItems": [number_form(0), words_form(times.UNITS)],
    "items": {"anyOf": [number_form(0), words_form(times.UNITS)]},  # for who knows no prefixItems
    "minItems": 2,
    "maxItems": 2,
    "example": [30, "seconds"],
}


def duration_form(low_s: float, high_s: float | None = None) -> dict[str, Any]:
    """A duration; its bounds are those of the number of seconds."""
    return {"anyOf": [number_form(low_s, high_s), DURATION_TEXT, A_PAIR]}


DURATION_FORM = duration_form(0)
INSTANT_FORM = {"anyOf": [INSTANT_TEXT, {"type": "number"}]}


def ack_form() -> dict[str, Any]:
    return duration_form(1, settings().max_ack_s)


def timeout_form() -> dict[str, Any]:
    return {"anyOf": [number_form(1, settings().max_timeout_s), DURATION_TEXT]}


def read_method(value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or value.upper() not in METHODS:
        raise ValueError
    return value.lower()


def read_url(value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"must be {A_URL}, got {kind_of(value)}")
    try:
        check_url(value, settings().allow_http)
    except UrlRefused as error:
        raise ValidationError(str(error)) from None
    return value


def read_target(value: Any) -> str:
    """The URL of a job's target, or the address of a listener."""
    if not is_listener_url(value) or not settings().max_listeners:
        return read_url(value)
    try:
        split_listener_url(value)
    except UrlRefused as error:
        raise ValidationError(str(error)) from None
    return str(value)


def read_headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValidationError(f"must be an object of names and strings, got {kind_of(value)}")
    try:
        check_headers(value)
    except HeadersRefused as error:
        raise ValidationError({name: [message] for name, message in error.errors.items()}) from None
    return value


def read_query(value: Any) -> dict[str, Any]:
    """Errors do not quote the values: they may be secrets."""
    if not isinstance(value, dict):
        raise ValidationError(f"must be an object of names and values, got {kind_of(value)}")
    return value


def read_base64(value: Any) -> bytes:
    """The bytes; errors do not quote the text. Only one way to write them is taken, so that it can be shown again."""
    try:
        data = base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except ValueError:
        data = None
    if data is None or base64.b64encode(data).decode() != value:
        raise ValidationError(f"must be {A_BASE64}, got {'another text' if isinstance(value, str) else kind_of(value)}")
    return data


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


def read_max_age(value: Any) -> int:
    """Microseconds after the instant at which the job is due."""
    age = times.parse_duration(value)
    _check_horizon(age, value)
    return age


def read_timeout(value: Any) -> int:
    """Milliseconds."""
    if not isinstance(value, str) and not times.is_number(value):
        raise ValueError
    timeout, longest_s = times.parse_duration(value), settings().max_timeout_s
    if not clock.SECOND <= timeout <= longest_s * clock.SECOND:
        raise ValidationError(f"must be from 1 to {longest_s} seconds, got {shown(value)}")
    return round(timeout / clock.MILLISECOND)


def read_ack_within(value: Any) -> int:
    """Microseconds."""
    if not settings().own_url:
        raise ValidationError(f"must be absent where BOOPER_PUBLIC_URLS is not set: {NO_ADDRESS}, got {shown(value)}")
    within, longest_s = times.parse_duration(value), settings().max_ack_s
    if not clock.SECOND <= within <= longest_s * clock.SECOND:
        raise ValidationError(f"must be from 1 to {longest_s} seconds, got {shown(value)}")
    return within


def read_key(value: Any) -> str:
    """An idempotency key, from the field or the header."""
    return _printable(value, MAX_KEY_CHARS)


def read_label(value: Any) -> str:
    return _printable(value, MAX_LABEL_CHARS)


def read_labels(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > MAX_LABELS or len(set(map(read_label, value))) < len(value):
        raise ValueError
    return value


def _printable(value: Any, max_chars: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= max_chars or not is_printable(value):
        raise ValueError
    return value


def is_printable(text: str) -> bool:
    """Whether the text has no character that ends a line, turns the direction of what follows, or controls a device.

    Not `str.isprintable`, which refuses what Hindi, Persian and emoji are joined with, and what is newer than Python.
    """
    return text.isprintable() or not any(
        unicodedata.category(character) in UNPRINTABLE or character in TURNS for character in text
    )


def _check_horizon(ahead: int, value: Any) -> None:
    days = settings().horizon_days
    if ahead > days * clock.DAY:
        raise ValidationError(f"must be at most {days} days ahead, got {shown(value)}")
