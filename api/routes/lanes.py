"""Serves /lanes: jobs that go one after another, by key."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.flow_fields import STOP
from api.requests.gate_fields import GatesQuery, LaneChange, gate_key_in_path
from api.requests.paging import NEXT_HEADERS
from api.responses import schemas
from api.responses.gates import Lane
from api.routes.gates import PAUSE_BODY, known, page_of, pause_fields, shown
from models.flows import closing, gates
from models.rules import clock
from models.rules.limits import LANE, Limits

blueprint = Blueprint("lanes", __name__, description="Jobs that go one after another.")


@blueprint.route("/lanes", methods=["GET"])
@blueprint.arguments(GatesQuery(), location="query")
@blueprint.response(200, schemas.list_of(Lane), headers=NEXT_HEADERS)
def list_lanes(query: dict[str, Any]) -> Response:
    """A page of lanes, newest first by default."""
    return page_of(LANE, query)


@blueprint.route("/lanes/<lane>", methods=["GET"])
@blueprint.response(200, schemas.single(Lane))
def get_lane(lane: str) -> Response:
    """One lane."""
    return shown(known(LANE, gate_key_in_path(lane)))


@blueprint.route("/lanes/<lane>", methods=["PATCH"])
@blueprint.arguments(LaneChange())
@blueprint.response(200, schemas.single(Lane))
def change_lane(change: dict[str, Any], lane: str) -> Response:
    """Say whether the lane stops when one of its jobs is discarded."""
    limits = Limits(stops=int(change["on_failure"] == STOP))
    return shown(gates.set_limits(known(LANE, gate_key_in_path(lane)), limits, True, clock.now()))


@blueprint.route("/lanes/<lane>/pause", methods=["POST"])
@blueprint.doc(requestBody=PAUSE_BODY)
@blueprint.response(200, schemas.single(Lane))
def pause_lane(lane: str) -> Response:
    """Let no further job of the lane begin, until an instant or until it is resumed."""
    return shown(closing.pause(caller().account_id, LANE, gate_key_in_path(lane), **pause_fields(), now=clock.now()))


@blueprint.route("/lanes/<lane>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Lane))
def resume_lane(lane: str) -> Response:
    """Let the next job of the lane begin, also when the lane has stopped at a discarded job."""
    gate = known(LANE, gate_key_in_path(lane))
    return shown(closing.resume(gate.account_id, LANE, gate.key, clock.now()))
