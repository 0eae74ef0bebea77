"""Defines what requests about flows, lanes, hosts and the account take: limits, pauses, lists, keys in addresses."""

from typing import Any

from marshmallow import ValidationError, post_load

from api.context import settings
from api.requests.fields import Must, choice, shown, text, whole
from api.requests.flow_fields import (
    A_GATE_KEY,
    A_PERIOD,
    GO_ON,
    KEY_FORM,
    MAX_CONCURRENCY,
    MAX_RATE,
    PERIOD_FORM,
    STOP,
    is_gate_key,
    read_period,
)
from api.requests.job_filters import read_host
from api.requests.job_values import AN_INSTANT, INSTANT_FORM
from api.requests.paging import PageQuery, ordered
from api.requests.reading.strict_schema import Strict
from api.responses.responses import invalid, not_found
from models.flows import gate_lists
from models.rules import clock, times
from models.rules.limits import Limits


def read_gate_key(value: Any) -> str:
    if not is_gate_key(value):
        raise ValueError
    return str(value)


def read_until(value: Any) -> int:
    until = times.parse_instant(value)
    if until <= clock.now():
        raise ValueError
    if until - clock.now() > settings().horizon_days * clock.DAY:
        raise ValidationError(f"must be at most {settings().horizon_days} days ahead, got {shown(value)}")
    return until


class GatesQuery(PageQuery):
    """What GET /flows, /lanes and /hosts take."""

    listing = gate_lists.LISTING
    order_by = ordered(gate_lists.LISTING)
    text = Must(A_GATE_KEY, read_gate_key, KEY_FORM)


class FlowChange(Strict):
    """What PATCH /flows/{key} takes; null takes a limit away."""

    rate = whole(1, MAX_RATE, allow_none=True)
    per = Must(A_PERIOD, read_period, PERIOD_FORM, allow_none=True)
    concurrency = whole(1, MAX_CONCURRENCY, allow_none=True)


class FlowLimits(FlowChange):
    """What PUT /flows/{key} takes."""

    @post_load
    def as_limits(self, data: dict[str, Any], **_: Any) -> Limits:
        return changed(Limits(), data)


class LaneChange(Strict):
    """What PATCH /lanes/{key} takes."""

    on_failure = choice((GO_ON, STOP), required=True)


class PauseFields(Strict):
    """What a pause takes."""

    until = Must(f"{AN_INSTANT}, in the future", read_until, INSTANT_FORM, allow_none=True, load_default=None)
    reason = text(255, allow_none=True, load_default=None)


def changed(limits: Limits, change: dict[str, Any]) -> Limits:
    """The limits after a change. Raises ValidationError when a rate would be left without its period."""
    members = {"rate": limits.rate, "per": limits.per_us, "concurrency": limits.concurrency} | change
    if (members["rate"] is None) != (members["per"] is None):
        absent, present = ("rate", "per") if members["rate"] is None else ("per", "rate")
        raise ValidationError(f"must be given with {present}, got nothing", absent)
    return Limits(members["rate"], members["per"], members["concurrency"])


def change_of(limits: Limits, change: dict[str, Any]) -> Limits:
    """The limits after a change that a request asks for; 422 when a rate would be left without its period."""
    try:
        return changed(limits, change)
    except ValidationError as error:
        raise invalid(error.normalized_messages()) from None


def host_in_path(host: str) -> str:
    """The host in an address, in the form in which jobs have it; 404 for what is no host."""
    try:
        return read_host(host)
    except (ValueError, ValidationError):
        raise not_found() from None


def gate_key_in_path(key: str) -> str:
    """The key in an address; 404 for one that no gate can have."""
    if not is_gate_key(key):
        raise not_found()
    return key
