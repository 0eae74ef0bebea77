"""Serves /flows: the limits by key that jobs of an account share, and how they are used."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.gate_fields import FlowChange, FlowLimits, GatesQuery, PauseFields, changed, gate_key_in_path
from api.requests.paging import NEXT_HEADERS, page_response
from api.responses import schemas, serializers
from api.responses.gates import Flow, shape
from api.responses.responses import or_not_found, respond
from models.flows import closing, gate_lists, gates
from models.flows.gates import Gate
from models.jobs.job_json import compact
from models.rules import clock
from models.rules.limits import FLOW, Limits

blueprint = Blueprint("flows", __name__, description="Limits by key: rates, concurrency, pauses.")


@blueprint.route("/flows", methods=["GET"])
@blueprint.arguments(GatesQuery(), location="query")
@blueprint.response(200, schemas.list_of(Flow), headers=NEXT_HEADERS)
def list_flows(query: dict[str, Any]) -> Response:
    """A page of flows, newest first by default."""
    page, now = query["page"], clock.now()
    rows, end = gate_lists.listed(caller().account_id, FLOW, query.get("text"), page)
    return page_response(serializers.data_list([compact(shape(gate, now)) for gate in rows]), page.order, end)


@blueprint.route("/flows/<flow>", methods=["GET"])
@blueprint.response(200, schemas.single(Flow))
def get_flow(flow: str) -> Response:
    """One flow: its limits, and how they are used now."""
    return _respond(or_not_found(_find(flow)))


@blueprint.route("/flows/<flow>", methods=["PUT"])
@blueprint.arguments(FlowLimits())
@blueprint.response(200, schemas.single(Flow))
def put_flow(limits: Limits, flow: str) -> Response:
    """Set the limits of a flow for good: orders that name it change them no more."""
    return _set(flow, limits)


@blueprint.route("/flows/<flow>", methods=["PATCH"])
@blueprint.arguments(FlowChange())
@blueprint.response(200, schemas.single(Flow))
def change_flow(limits: dict[str, Any], flow: str) -> Response:
    """Change the limits that the request names, for good; null takes one away."""
    return _set(flow, changed(or_not_found(_find(flow)).limits, limits))


@blueprint.route("/flows/<flow>/pause", methods=["POST"])
@blueprint.arguments(PauseFields())
@blueprint.response(200, schemas.single(Flow))
def pause_flow(pause: dict[str, Any], flow: str) -> Response:
    """Let no job of the flow begin, until an instant or until it is resumed."""
    name = gate_key_in_path(flow)
    until, reason = pause.get("until"), pause.get("reason")
    return _respond(closing.pause(caller().account_id, FLOW, name, until, reason, clock.now()))


@blueprint.route("/flows/<flow>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Flow))
def resume_flow(flow: str) -> Response:
    """Let jobs of the flow begin again."""
    or_not_found(_find(flow))
    return _respond(closing.resume(caller().account_id, FLOW, flow, clock.now()))


@blueprint.route("/flows/<flow>/reset", methods=["POST"])
@blueprint.response(200, schemas.single(Flow))
def reset_flow(flow: str) -> Response:
    """Forget the starts that the rate has counted: the next jobs may begin at once."""
    or_not_found(_find(flow))
    return _respond(closing.reset(caller().account_id, FLOW, flow, clock.now()))


@blueprint.route("/flows/<flow>", methods=["DELETE"])
@blueprint.response(200, schemas.single(Flow))
def unpin_flow(flow: str) -> Response:
    """Take the limits away and let orders set them again."""
    gate = or_not_found(_find(flow))
    gates.set_limits(gate.id, Limits(), False, clock.now())
    return _respond(or_not_found(_find(flow)))


def _set(flow: str, limits: Limits) -> Response:
    now = clock.now()
    gate = gates.ensure(caller().account_id, FLOW, gate_key_in_path(flow), now)
    gates.set_limits(gate.id, limits, True, now)
    return _respond(or_not_found(_find(flow)))


def _find(flow: str) -> Gate | None:
    return gates.find(caller().account_id, FLOW, flow)


def _respond(gate: Gate) -> Response:
    return respond({"data": shape(gate, clock.now())})
