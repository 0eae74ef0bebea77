"""Serves /hosts: targets' hosts that are paused, rest as they asked, or fail."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.gate_fields import GatesQuery, PauseFields, gate_key_in_path
from api.requests.paging import NEXT_HEADERS, page_response
from api.responses import schemas, serializers
from api.responses.gates import Host, shape
from api.responses.responses import or_not_found, respond
from models.flows import closing, gate_lists, gates
from models.flows.gates import Gate
from models.jobs.job_json import compact
from models.rules import clock
from models.rules.limits import HOST

blueprint = Blueprint("hosts", __name__, description="Hosts of targets that are held back.")


@blueprint.route("/hosts", methods=["GET"])
@blueprint.arguments(GatesQuery(), location="query")
@blueprint.response(200, schemas.list_of(Host), headers=NEXT_HEADERS)
def list_hosts(query: dict[str, Any]) -> Response:
    """A page of the hosts that were held back once, newest first by default."""
    page, now = query["page"], clock.now()
    rows, end = gate_lists.listed(caller().account_id, HOST, query.get("text"), page)
    return page_response(serializers.data_list([compact(shape(gate, now)) for gate in rows]), page.order, end)


@blueprint.route("/hosts/<host>", methods=["GET"])
@blueprint.response(200, schemas.single(Host))
def get_host(host: str) -> Response:
    """One host that was held back once."""
    return _respond(or_not_found(_find(host)))


@blueprint.route("/hosts/<host>/pause", methods=["POST"])
@blueprint.arguments(PauseFields())
@blueprint.response(200, schemas.single(Host))
def pause_host(pause: dict[str, Any], host: str) -> Response:
    """Send nothing to this host, until an instant or until it is resumed."""
    name = gate_key_in_path(host).lower()
    until, reason = pause.get("until"), pause.get("reason")
    return _respond(closing.pause(caller().account_id, HOST, name, until, reason, clock.now()))


@blueprint.route("/hosts/<host>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Host))
def resume_host(host: str) -> Response:
    """Send to this host again, whether it was paused, rests or failed."""
    or_not_found(_find(host))
    closing.reset(caller().account_id, HOST, host.lower(), clock.now())
    return _respond(closing.resume(caller().account_id, HOST, host.lower(), clock.now()))


def _find(host: str) -> Gate | None:
    return gates.find(caller().account_id, HOST, host.lower())


def _respond(gate: Gate) -> Response:
    return respond({"data": shape(gate, clock.now())})
