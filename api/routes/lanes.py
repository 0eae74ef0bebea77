"""Serves /lanes: jobs that go one after another, by key."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.flow_fields import STOP
from api.requests.gate_fields import GatesQuery, LaneChange, PauseFields, gate_key_in_path
from api.requests.paging import NEXT_HEADERS, page_response
from api.responses import schemas, serializers
from api.responses.gates import Lane, shape
from api.responses.responses import or_not_found, respond
from models.flows import closing, gate_lists, gates
from models.flows.gates import Gate
from models.jobs.job_json import compact
from models.rules import clock
from models.rules.limits import LANE, Limits

blueprint = Blueprint("lanes", __name__, description="Jobs that go one after another.")


@blueprint.route("/lanes", methods=["GET"])
@blueprint.arguments(GatesQuery(), location="query")
@blueprint.response(200, schemas.list_of(Lane), headers=NEXT_HEADERS)
def list_lanes(query: dict[str, Any]) -> Response:
    """A page of lanes, newest first by default."""
    page, now = query["page"], clock.now()
    rows, end = gate_lists.listed(caller().account_id, LANE, query.get("text"), page)
    return page_response(serializers.data_list([compact(shape(gate, now)) for gate in rows]), page.order, end)


@blueprint.route("/lanes/<lane>", methods=["GET"])
@blueprint.response(200, schemas.single(Lane))
def get_lane(lane: str) -> Response:
    """One lane."""
    return _respond(or_not_found(_find(lane)))


@blueprint.route("/lanes/<lane>", methods=["PATCH"])
@blueprint.arguments(LaneChange())
@blueprint.response(200, schemas.single(Lane))
def change_lane(change: dict[str, Any], lane: str) -> Response:
    """Say whether the lane stops when one of its jobs is discarded."""
    gate = or_not_found(_find(lane))
    gates.set_limits(gate.id, Limits(stops=int(change["on_failure"] == STOP)), True, clock.now())
    return _respond(or_not_found(_find(lane)))


@blueprint.route("/lanes/<lane>/pause", methods=["POST"])
@blueprint.arguments(PauseFields())
@blueprint.response(200, schemas.single(Lane))
def pause_lane(pause: dict[str, Any], lane: str) -> Response:
    """Let no further job of the lane begin, until an instant or until it is resumed."""
    name = gate_key_in_path(lane)
    until, reason = pause.get("until"), pause.get("reason")
    return _respond(closing.pause(caller().account_id, LANE, name, until, reason, clock.now()))


@blueprint.route("/lanes/<lane>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Lane))
def resume_lane(lane: str) -> Response:
    """Let the next job of the lane begin, also when the lane has stopped at a discarded job."""
    or_not_found(_find(lane))
    return _respond(closing.resume(caller().account_id, LANE, lane, clock.now()))


def _find(lane: str) -> Gate | None:
    return gates.find(caller().account_id, LANE, lane)


def _respond(gate: Gate) -> Response:
    return respond({"data": shape(gate, clock.now())})
