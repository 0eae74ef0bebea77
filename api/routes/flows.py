"""Serves /flows: the limits by key that jobs of an account share, and how they are used."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.gate_fields import FlowChange, FlowLimits, GatesQuery, change_of, gate_key_in_path
from api.requests.paging import NEXT_HEADERS
from api.responses import schemas
from api.responses.gates import Flow
from api.responses.responses import or_not_found
from api.routes.gates import PAUSE_BODY, known, page_of, pause_fields, shown
from models.flows import closing, gates
from models.rules import clock
from models.rules.limits import FLOW, Limits

blueprint = Blueprint("flows", __name__, description="Limits by key: rates, concurrency, pauses.")


@blueprint.route("/flows", methods=["GET"])
@blueprint.arguments(GatesQuery(), location="query")
@blueprint.response(200, schemas.list_of(Flow), headers=NEXT_HEADERS)
def list_flows(query: dict[str, Any]) -> Response:
    """A page of flows, newest first by default."""
    return page_of(FLOW, query)


@blueprint.route("/flows/<flow>", methods=["GET"])
@blueprint.response(200, schemas.single(Flow))
def get_flow(flow: str) -> Response:
    """One flow: its limits, and how they are used now."""
    return shown(known(FLOW, gate_key_in_path(flow)))


@blueprint.route("/flows/<flow>", methods=["PUT"])
@blueprint.arguments(FlowLimits())
@blueprint.response(200, schemas.single(Flow))
def put_flow(limits: Limits, flow: str) -> Response:
    """Set the limits of a flow for good: orders that name it change them no more."""
    now = clock.now()
    gate = gates.ensure(caller().account_id, FLOW, gate_key_in_path(flow), now)
    return shown(gates.set_limits(gate, limits, True, now))


@blueprint.route("/flows/<flow>", methods=["PATCH"])
@blueprint.arguments(FlowChange())
@blueprint.response(200, schemas.single(Flow))
def change_flow(change: dict[str, Any], flow: str) -> Response:
    """Change the limits that the request names, for good; null takes one away."""
    gate = known(FLOW, gate_key_in_path(flow))
    changed = gates.change_limits(gate.id, lambda limits: change_of(limits, change), clock.now())
    return shown(or_not_found(changed))


@blueprint.route("/flows/<flow>/pause", methods=["POST"])
@blueprint.doc(requestBody=PAUSE_BODY)
@blueprint.response(200, schemas.single(Flow))
def pause_flow(flow: str) -> Response:
    """Let no job of the flow begin, until an instant or until it is resumed."""
    return shown(closing.pause(caller().account_id, FLOW, gate_key_in_path(flow), **pause_fields(), now=clock.now()))


@blueprint.route("/flows/<flow>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Flow))
def resume_flow(flow: str) -> Response:
    """Let jobs of the flow begin again."""
    gate = known(FLOW, gate_key_in_path(flow))
    return shown(closing.resume(gate.account_id, FLOW, gate.key, clock.now()))


@blueprint.route("/flows/<flow>/reset", methods=["POST"])
@blueprint.response(200, schemas.single(Flow))
def reset_flow(flow: str) -> Response:
    """Forget the starts that the rate has counted: the next jobs may begin at once."""
    gate = known(FLOW, gate_key_in_path(flow))
    return shown(closing.reset(gate.account_id, FLOW, gate.key, clock.now()))


@blueprint.route("/flows/<flow>", methods=["DELETE"])
@blueprint.response(200, schemas.single(Flow))
def unpin_flow(flow: str) -> Response:
    """Take the limits away and let orders set them again."""
    gate = known(FLOW, gate_key_in_path(flow))
    return shown(gates.set_limits(gate, Limits(), False, clock.now()))
