"""Defines what requests for alert rules take: conditions, scope, thresholds, quiet hours, targets."""

import re
from typing import Any

from marshmallow import ValidationError

from api.auth import caller
from api.context import settings
from api.requests.fields import Must, flag, shown, whole, words_form
from api.requests.flow_fields import A_GATE_KEY, KEY_FORM, is_gate_key
from api.requests.gate_fields import read_until
from api.requests.job_filters import HOST_FORM, SCHEDULE_FORM, read_host, read_schedule
from api.requests.job_values import (
    A_LABEL,
    AN_INSTANT,
    INSTANT_FORM,
    LABEL_FORM,
    URL_FORM,
    duration_form,
    is_printable,
    read_label,
    read_url,
)
from api.requests.reading.body import kind_of
from api.requests.reading.strict_schema import Strict
from api.requests.schedule_fields import A_ZONE, ZONE_FORM, read_zone
from api.requests.text_forms import pattern_form, printable_form
from models.alerts import conditions, ways
from models.alerts.alert_store import MAX_TARGETS
from models.alerts.conditions import ON, ON_BY_DEFAULT, RECOVERED, SCOPES, Quiet
from models.alerts.ways import WAYS, Target, target_of
from models.rules import times
from models.rules.clock import DAY, SECOND
from models.rules.lateness import LATE_AFTER_US
from models.rules.redaction import REDACTED
from models.schedules import schedule_store

MAX_NAME_CHARS = 100
MAX_AFTER = 1000
SHORTEST_US = LATE_AFTER_US  # a start that is less late counts as on time everywhere
LONGEST_US = 90 * DAY
A_NAME = f"a string of 1 to {MAX_NAME_CHARS} printable characters"
CONDITIONS = f"a list of conditions ({', '.join(ON)}), not {RECOVERED} alone"
CONDITIONS_FORM = {
    "type": "array",
    "items": words_form(ON),
    "minItems": 1,
    "contains": words_form([each for each in ON if each != RECOVERED]),
}
A_SCOPE = f'an object with one member ({", ".join(SCOPES)}), such as {{"label": "nightly"}} or {{"account": true}}'
SCOPE_FORM = {
    "type": "object",
    "properties": {
        conditions.ACCOUNT: {"type": "boolean", "enum": [True]},
        conditions.SCHEDULE: SCHEDULE_FORM,
        conditions.LABEL: LABEL_FORM,
        conditions.HOST: HOST_FORM,
        conditions.FLOW: KEY_FORM,
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
A_SPAN = "a duration from 1 minute to 90 days, such as 5m or 24h"
QUIET = 'an object such as {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}'
A_CLOCK = "a time of day such as 22:00"
CLOCK_FORM = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "example": "22:00"}
QUIET_FORM = {
    "type": "object",
    "properties": {"from": CLOCK_FORM, "to": CLOCK_FORM, "timezone": ZONE_FORM},
    "required": ["from", "to", "timezone"],
    "additionalProperties": False,
}
MAIL_FORM = {"type": "string", "format": "email", "example": "ops@example.com"}
ROUTING_KEY_FORM = pattern_form(ways.ROUTING_KEY.pattern, "0123456789abcdef0123456789abcdef")
SPAN_FORM = duration_form(SHORTEST_US // SECOND, LONGEST_US // SECOND)
WINDOW_FORM = duration_form(SHORTEST_US // SECOND, DAY // SECOND)
TARGETS = f'a list of 1 to {MAX_TARGETS} objects with one member ({", ".join(WAYS)}), such as {{"slack": "https://…"}}'
TARGETS_FORM = {
    "type": "array",
    "minItems": 1,
    "maxItems": MAX_TARGETS,
    "items": {
        "type": "object",
        "properties": dict.fromkeys(WAYS, URL_FORM) | {ways.EMAIL: MAIL_FORM, ways.PAGERDUTY: ROUTING_KEY_FORM},
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    },
}
A_SHARE = "a number above 0 and at most 1, such as 0.2"
SHARE_FORM = {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "example": 0.2}
A_WINDOW = "a duration from 1 minute to 1 day, such as 30m or 1h"
A_ROUTING_KEY = "a routing key of PagerDuty: 32 letters and digits"
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


def read_name(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME_CHARS or not is_printable(value):
        raise ValueError
    return value


def read_on(value: Any) -> list[str]:
    """Each condition once, in the order of ON."""
    if not isinstance(value, list) or not all(isinstance(each, str) and each in ON for each in value):
        raise ValueError
    if not set(value) - {RECOVERED}:
        raise ValueError
    return [each for each in ON if each in value]


def read_scope(value: Any) -> tuple[str, str]:
    """The kind of the scope, and the key by which it is stored."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError
    ((kind, key),) = value.items()
    if kind not in SCOPES:
        raise ValidationError({kind: [f"unknown field, must be one of {', '.join(SCOPES)}"]})
    try:
        return kind, _SCOPE_KEYS[kind](key)
    except (ValueError, TypeError):
        raise ValidationError({kind: [f"must be {_EXPECTED[kind]}, got {shown(key)}"]}) from None


def read_span(value: Any) -> int:
    """Microseconds."""
    span = times.parse_duration(value)
    if not SHORTEST_US <= span <= LONGEST_US:
        raise ValueError
    return span


def read_share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError
    return float(value)


def read_window(value: Any) -> int:
    """Microseconds."""
    span = read_span(value)
    if span > DAY:
        raise ValueError
    return span


def read_quiet(value: Any) -> Quiet:
    if not isinstance(value, dict):
        raise ValidationError(f"must be {QUIET}, got {kind_of(value)}")
    fields = quiet_fields.load(value)
    if fields["from"] == fields["to"]:
        raise ValidationError({"to": ["must differ from `from`, got the same"]})
    return Quiet(fields["from"], fields["to"], fields["timezone"])


def read_clock(value: Any) -> int:
    """Minutes after midnight."""
    match = _CLOCK.fullmatch(value)
    if not match:
        raise ValueError
    return int(match[1]) * 60 + int(match[2])


def read_targets(value: Any) -> list[Target]:
    """Where messages go. A secret address may come as responses show it; the route puts the stored one in its place."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TARGETS:
        raise ValueError
    errors, targets = {}, []
    for place, each in enumerate(value):
        try:
            targets.append(_read_target(each))
        except ValidationError as error:
            errors[str(place)] = error.normalized_messages()
    if errors:
        raise ValidationError(errors)
    return targets


def _read_target(value: Any) -> Target:
    if not isinstance(value, dict) or len(value) != 1:
        raise ValidationError({"": [f"must be an object with one of {', '.join(WAYS)}, got {kind_of(value)}"]})
    ((way, address),) = value.items()
    if way not in WAYS:
        raise ValidationError({way[:MAX_NAME_CHARS]: [f"unknown field, must be one of {', '.join(WAYS)}"]})
    if way not in (ways.WEBHOOK, ways.EMAIL) and isinstance(address, str) and address.endswith(REDACTED):
        return Target(way, REDACTED, address)
    try:
        return target_of(way, _ADDRESSES.get(way, read_url)(address))
    except ValidationError as error:
        raise ValidationError({way: error.messages}) from None


def _mail_address(value: Any) -> str:
    if not settings().smtp_url:
        expected = "must be absent where BOOPER_SMTP_URL is not set: no e-mail could be sent"
        raise ValidationError(f"{expected}, got {shown(value)}")
    if not isinstance(value, str) or not ways.MAIL_ADDRESS.fullmatch(value):
        raise ValidationError(f"must be an e-mail address, got {shown(value)}")
    return value


def _routing_key(value: Any) -> str:
    """The key is a secret, so the error does not quote it."""
    if not isinstance(value, str) or not ways.ROUTING_KEY.fullmatch(value):
        raise ValidationError(f"must be {A_ROUTING_KEY}, got {kind_of(value)}")
    return value


_ADDRESSES = {ways.EMAIL: _mail_address, ways.PAGERDUTY: _routing_key}  # of the others: read_url


def _schedule_id(value: Any) -> str:
    """The id of the account's schedule of this UUID or key."""
    schedule_id = schedule_store.id_of(caller().account_id, read_schedule(value))
    if schedule_id is None:
        raise ValueError
    return schedule_id


def _account(value: Any) -> str:
    if value is not True:
        raise ValueError
    return ""


def _flow_key(value: Any) -> str:
    if not is_gate_key(value):
        raise ValueError
    return str(value)


_SCOPE_KEYS = {
    conditions.ACCOUNT: _account,
    conditions.SCHEDULE: _schedule_id,
    conditions.LABEL: read_label,
    conditions.HOST: read_host,
    conditions.FLOW: _flow_key,
}
_EXPECTED = {
    conditions.ACCOUNT: "true",
    conditions.SCHEDULE: "the id or the key of a schedule",
    conditions.LABEL: A_LABEL,
    conditions.HOST: "a host, such as api.example.com",
    conditions.FLOW: A_GATE_KEY,
}


class AlertChange(Strict):
    """What PATCH /alerts/{id} takes."""

    name = Must(A_NAME, read_name, printable_form(MAX_NAME_CHARS))
    on = Must(CONDITIONS, read_on, CONDITIONS_FORM)
    scope = Must(A_SCOPE, read_scope, SCOPE_FORM)
    after = whole(1, MAX_AFTER)
    share = Must(A_SHARE, read_share, SHARE_FORM, allow_none=True)
    within = Must(A_WINDOW, read_window, WINDOW_FORM)
    at_least = whole(1, MAX_AFTER)
    late_after = Must(A_SPAN, read_span, SPAN_FORM)
    long_after = Must(A_SPAN, read_span, SPAN_FORM)
    silent_after = Must(A_SPAN, read_span, SPAN_FORM)
    waiting_after = Must(A_SPAN, read_span, SPAN_FORM)
    repeat_every = Must(A_SPAN, read_span, SPAN_FORM, allow_none=True)
    quiet = Must(QUIET, read_quiet, QUIET_FORM, allow_none=True)
    to = Must(TARGETS, read_targets, TARGETS_FORM)
    enabled = flag()
    muted_until = Must(f"{AN_INSTANT}, in the future", read_until, INSTANT_FORM, allow_none=True)


class NewAlert(AlertChange):
    """What POST /alerts takes."""

    name = Must(A_NAME, read_name, printable_form(MAX_NAME_CHARS), required=True)
    on = Must(CONDITIONS, read_on, CONDITIONS_FORM, load_default=list(ON_BY_DEFAULT))
    to = Must(TARGETS, read_targets, TARGETS_FORM, required=True)
    enabled = flag(load_default=True)
    unique = flag(load_default=False, metadata={"description": "True: 409 if there is a rule of this name."})


QuietFields = Strict.from_dict(  # `from` can be no attribute of a class
    {
        "from": Must(A_CLOCK, read_clock, CLOCK_FORM, required=True),
        "to": Must(A_CLOCK, read_clock, CLOCK_FORM, required=True),
        "timezone": Must(A_ZONE, read_zone, ZONE_FORM, required=True),
    },
    name="QuietFields",
)
quiet_fields = QuietFields()
