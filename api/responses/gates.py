"""The members by which responses show a flow, a lane, a host or the whole account."""

from typing import Any

from marshmallow import Schema, fields

from api.responses import schemas
from api.responses.timestamps import micros_utc
from models.flows import gate_lists
from models.flows.gate_lists import Usage
from models.flows.gates import FAR, Gate
from models.rules.clock import SECOND
from models.rules.limits import FLOW, LANE

WAITING = f"Due jobs that wait; {gate_lists.COUNTED + 1} stands for more than {gate_lists.COUNTED}."
STARTED = f"Starts in the window of the rate; {gate_lists.COUNTED + 1} stands for more than {gate_lists.COUNTED}."


class Pause(Schema):
    at = schemas.instant()
    until = schemas.instant(allow_none=True)
    reason = fields.String(allow_none=True)


class GateState(Schema):
    """What every gate shows."""

    waiting = fields.Integer(metadata={"description": WAITING})
    paused = fields.Nested(Pause, allow_none=True)
    closed_until = schemas.instant(allow_none=True)


class Host(GateState):
    host = fields.String()
    failures = fields.Integer(metadata={"description": "Attempts that failed in a row."})
    next_probe_at = schemas.instant(allow_none=True)


class Lane(GateState):
    key = fields.String()
    on_failure = fields.String(metadata={"enum": ["go_on", "stop"]})
    inserted_at = schemas.instant()


class Flow(GateState):
    key = fields.String()
    rate = fields.Integer(allow_none=True)
    per_seconds = fields.Float(allow_none=True)
    concurrency = fields.Integer(allow_none=True)
    pinned = fields.Boolean()
    under_way = fields.Integer()
    started_in_window = fields.Integer(allow_none=True, metadata={"description": STARTED})
    next_at = schemas.instant(allow_none=True)
    inserted_at = schemas.instant()


def shape(gate: Gate, usage: Usage, now: int) -> dict[str, Any]:
    """The members of a gate as its owner sees them."""
    closed_until = gate.closed_until if gate.is_closed(now) and gate.closed_until != FAR else None
    state = {"waiting": usage.waiting, "paused": _paused(gate, now), "closed_until": micros_utc(closed_until)}
    if gate.kind == FLOW:
        return {"key": gate.key, **_limits(gate), **_use(usage), **state, "inserted_at": micros_utc(gate.created_at)}
    if gate.kind == LANE:
        on_failure = "stop" if gate.stops else "go_on"
        return {"key": gate.key, "on_failure": on_failure, **state, "inserted_at": micros_utc(gate.created_at)}
    if not gate.key:
        return state
    return {"host": gate.key, "failures": gate.failures, "next_probe_at": micros_utc(gate.probe_at), **state}


def _limits(gate: Gate) -> dict[str, Any]:
    per_seconds = None if gate.per_us is None else gate.per_us / SECOND
    return {
        "rate": gate.rate,
        "per_seconds": per_seconds,
        "concurrency": gate.concurrency,
        "pinned": bool(gate.is_pinned),
    }


def _use(usage: Usage) -> dict[str, Any]:
    next_at = None if usage.next_at == FAR else micros_utc(usage.next_at)
    return {"under_way": usage.under_way, "started_in_window": usage.started, "next_at": next_at}


def _paused(gate: Gate, now: int) -> dict[str, Any] | None:
    if not gate.is_paused(now):
        return None
    return {"at": micros_utc(gate.paused_at), "until": micros_utc(gate.paused_until), "reason": gate.reason}
