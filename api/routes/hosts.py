"""Serves /hosts: targets' hosts that are paused, rest as they asked, or fail."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.gate_fields import GatesQuery, host_in_path
from api.requests.paging import NEXT_HEADERS
from api.responses import schemas
from api.responses.gates import Host
from api.routes.gates import PAUSE_BODY, known, page_of, pause_fields, shown
from models.flows import closing
from models.rules import clock
from models.rules.limits import HOST

blueprint = Blueprint("hosts", __name__, description="Hosts of targets that are held back.")


@blueprint.route("/hosts", methods=["GET"])
@blueprint.arguments(GatesQuery(), location="query")
@blueprint.response(200, schemas.list_of(Host), headers=NEXT_HEADERS)
def list_hosts(query: dict[str, Any]) -> Response:
    """A page of the hosts that were held back once, newest first by default."""
    return page_of(HOST, query)


@blueprint.route("/hosts/<host>", methods=["GET"])
@blueprint.response(200, schemas.single(Host))
def get_host(host: str) -> Response:
    """One host that was held back once."""
    return shown(known(HOST, host_in_path(host)))


@blueprint.route("/hosts/<host>/pause", methods=["POST"])
@blueprint.doc(requestBody=PAUSE_BODY)
@blueprint.response(200, schemas.single(Host))
def pause_host(host: str) -> Response:
    """Send nothing to this host, until an instant or until it is resumed."""
    return shown(closing.pause(caller().account_id, HOST, host_in_path(host), **pause_fields(), now=clock.now()))


@blueprint.route("/hosts/<host>/resume", methods=["POST"])
@blueprint.response(200, schemas.single(Host))
def resume_host(host: str) -> Response:
    """Send to this host again, whether it was paused, rests or failed."""
    gate = known(HOST, host_in_path(host))
    return shown(closing.reopen(gate.account_id, gate.key, clock.now()))
