"""Reads the flow and the lane that an order names: keys and limits."""

from typing import Any

from marshmallow import ValidationError

from api.requests.fields import number_form, shown, words_form
from api.requests.job_values import duration_form, is_printable
from api.requests.text_forms import printable_form
from models.rules import times
from models.rules.clock import DAY, SECOND
from models.rules.limits import FLOW, LANE, GateName, Limits

MAX_KEY_CHARS = 128
MAX_RATE = 1_000_000
MAX_CONCURRENCY = 10_000
GO_ON, STOP = "go_on", "stop"
A_FLOW = 'an object such as {"key": "shop-42", "rate": 10, "per": "1m", "concurrency": 3}'
A_LANE = 'a key, or an object such as {"key": "user-42", "on_failure": "stop"}'
A_GATE_KEY = f"a string of 1 to {MAX_KEY_CHARS} printable characters"
A_PERIOD = "a duration from 1 second to 7 days, such as 60 or 1m"

KEY_FORM = printable_form(MAX_KEY_CHARS)
PERIOD_FORM = duration_form(1, 7 * DAY // SECOND)
LIMIT_FORMS = {
    "rate": number_form(1, MAX_RATE, "integer"),
    "per": PERIOD_FORM,
    "concurrency": number_form(1, MAX_CONCURRENCY, "integer"),
}
FLOW_FORM = {
    "type": "object",
    "properties": {"key": KEY_FORM, **LIMIT_FORMS},
    "required": ["key"],
    "dependentRequired": {"rate": ["per"], "per": ["rate"]},
    "additionalProperties": False,
}
LANE_FORM = {
    "anyOf": [
        KEY_FORM,
        {
            "type": "object",
            "properties": {"key": KEY_FORM, "on_failure": words_form([GO_ON, STOP])},
            "required": ["key"],
            "additionalProperties": False,
        },
    ]
}


def read_flow(value: Any) -> GateName:
    """The flow, with limits when it names any."""
    members = _object(value, A_FLOW, ("key", *LIMIT_FORMS))
    key = _key(members)
    named = {name: members[name] for name in LIMIT_FORMS if members.get(name) is not None}
    return GateName(FLOW, key, read_limits(named) if named else None)


def read_lane(value: Any) -> GateName:
    """The lane; `on_failure` counts as its limit."""
    if isinstance(value, str):
        return GateName(LANE, _key({"key": value}))
    members = _object(value, A_LANE, ("key", "on_failure"))
    on_failure = members.get("on_failure")
    if on_failure not in (None, GO_ON, STOP):
        raise ValidationError({"on_failure": [f"must be one of {GO_ON}, {STOP}, got {shown(on_failure)}"]})
    return GateName(LANE, _key(members), None if on_failure is None else Limits(stops=int(on_failure == STOP)))


def read_limits(members: dict[str, Any]) -> Limits:
    """The limits of a flow: rate and per belong together."""
    errors: dict[str, list[str]] = {}
    rate = _whole(members, "rate", MAX_RATE, errors)
    concurrency = _whole(members, "concurrency", MAX_CONCURRENCY, errors)
    per_us = _period(members, errors)
    if not errors and (rate is None) != (per_us is None):
        absent, present = ("rate", "per") if rate is None else ("per", "rate")
        errors[absent] = [f"must be given with {present}, got nothing"]
    if errors:
        raise ValidationError(errors)
    return Limits(rate, per_us, concurrency)


def read_period(value: Any) -> int:
    """Microseconds of the window of a rate."""
    period = times.parse_duration(value)
    if not SECOND <= period <= 7 * DAY:
        raise ValueError
    return period


def is_gate_key(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_KEY_CHARS and is_printable(value)


def _object(value: Any, expected: str, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValidationError(f"must be {expected}, got {shown(value)}")
    unknown = {name: ["unknown field"] for name in value if name not in names}
    if unknown:
        raise ValidationError(unknown)
    return value


def _key(members: dict[str, Any]) -> str:
    key = members.get("key")
    if not is_gate_key(key):
        raise ValidationError({"key": [f"must be {A_GATE_KEY}, got {shown(key) if 'key' in members else 'nothing'}"]})
    return str(key)


def _whole(members: dict[str, Any], name: str, most: int, errors: dict[str, list[str]]) -> int | None:
    value = members.get(name)
    if value is None:
        return None
    if not times.is_number(value) or value != int(value) or not 1 <= value <= most:
        errors[name] = [f"must be a whole number from 1 to {most}, got {shown(value)}"]
        return None
    return int(value)


def _period(members: dict[str, Any], errors: dict[str, list[str]]) -> int | None:
    value = members.get("per")
    if value is None:
        return None
    try:
        return read_period(value)
    except (ValueError, TypeError, ArithmeticError, LookupError):
        errors["per"] = [f"must be {A_PERIOD}, got {shown(value)}"]
        return None
