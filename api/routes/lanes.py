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


@blueprint.route("/lanes/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(Lane))
def get_lane(key: str) -> Response:
    """One lane."""
    return _respond(or_not_found(_found(key)))


@blueprint.route("/lanes/<key>", methods=["PATCH"])
@blueprint.arguments(LaneChange())
@blueprint.response(200, schemas.single(Lane))
def change_lane(change: dict[str, Any], key: str) -> Response:
    """Say whether the lane stops when one of its jobs is discarded."""
    gate = or_not_found(_found(key))
    gates.set_limits(gate.id, Limits(stops=int(change["on_failure"] == STOP)), True, clock.now())
    return _respond(or_not_found(_found(key)))


@blueprint.route("/lanes/<key>/pause", methods=["POST"])
@blueprint.arguments(PauseFields())
@blueprint.response(200, schemas.single(Lane))
def pause_lane(pause: dict[str, Any], key: str) -> Response:
    """Let no further job of the lane begin, until an instant or until it is resumed."""
    name = gate_key_in_path(key)
    until, reason = pause.get("until"), pause.get("reason")
    return _respond(closing.pause(caller().account_id, LANE, name, until, reason, clock.now()))


@blueprint.route("/lanes/<key>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Lane))
def resume_lane(key: str) -> Response:
    """Let the next job of the lane begin, also when the lane has stopped at a discarded job."""
    or_not_found(_found(key))
    return _respond(closing.resume(caller().account_id, LANE, key, clock.now()))


def _found(key: str) -> Gate | None:
    return gates.find(caller().account_id, LANE, key)


def _respond(gate: Gate) -> Response:
    return respond({"data": shape(gate, clock.now())})
