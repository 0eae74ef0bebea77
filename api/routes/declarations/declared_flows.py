"""Flows in a file, by their keys: limits that are pinned. A flow whose limits come from orders is none of the file."""

from typing import Any

from marshmallow import ValidationError

from api.auth import caller
from api.requests.fields import shown
from api.requests.flow_fields import A_GATE_KEY, is_gate_key
from api.requests.gate_fields import FlowLimits
from api.routes.declarations.declared import Declared, Kind
from models.flows import gates
from models.rules.clock import SECOND
from models.rules.limits import FLOW, Limits

flow_limits = FlowLimits()


def _declared(limits: Limits) -> Declared:
    per = None if limits.per_us is None else limits.per_us / SECOND
    members = {"rate": limits.rate, "per": per, "concurrency": limits.concurrency}
    return Declared(limits, {name: value for name, value in members.items() if value is not None})


def present(name: str) -> Declared | None:
    gate = gates.find(caller().account_id, FLOW, name)
    return _declared(gate.limits) if gate and gate.is_pinned else None


def read(name: str, sent: dict[str, Any], _: Declared | None) -> Declared:
    if not is_gate_key(name) or "/" in name:
        raise ValidationError({"name": [f"must be {A_GATE_KEY}, without a slash, got {shown(name)}"]})
    return _declared(flow_limits.load(sent))


KIND = Kind(present, read)
