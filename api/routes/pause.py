"""Serves /pause and /resume: all jobs of the account wait."""

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.responses import schemas
from api.responses.gates import GateState
from api.routes.gates import PAUSE_BODY, pause_fields, shown
from models.flows import closing, gates
from models.rules import clock
from models.rules.limits import ACCOUNT

blueprint = Blueprint("pause", __name__, description="Whether the whole account is paused.")


@blueprint.route("/pause", methods=["GET"])
@blueprint.response(200, schemas.single(GateState))
def get_pause() -> Response:
    """Whether the account is paused, and how many jobs wait for that."""
    return shown(gates.ensure(caller().account_id, ACCOUNT, "", clock.now()))


@blueprint.route("/pause", methods=["POST"])
@blueprint.doc(requestBody=PAUSE_BODY)
@blueprint.response(200, schemas.single(GateState))
def pause_account() -> Response:
    """Send nothing, until an instant or until the account is resumed. Requests under way go on."""
    return shown(closing.pause(caller().account_id, ACCOUNT, "", **pause_fields(), now=clock.now()))


@blueprint.route("/resume", methods=["POST"])
@blueprint.response(200, schemas.single(GateState))
def resume_account() -> Response:
    """Send again."""
    return shown(closing.resume(caller().account_id, ACCOUNT, "", clock.now()))
