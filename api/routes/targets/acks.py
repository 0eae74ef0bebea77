"""Serves /acks: a target reports how an attempt ended that it has answered with "later".

The address is a capability of its own, made for one claim of one job. It needs no API key, and shows nothing of the
job. A text that is no such capability gets 404, whatever there is.
"""

from flask import Response
from marshmallow import Schema, fields

from api.blueprint import Blueprint
from api.context import session_secret
from api.requests.fields import Must, flag
from api.requests.job_requests import JobRequest, body_of
from api.requests.reading.body import ACKS, load_optional_with_fields
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import ApiError, not_found, respond
from models.accounts.ack_tokens import attempted_by
from models.operations import acks
from models.operations.acks import Ack, Taken
from models.rules import clock

blueprint = Blueprint(ACKS, __name__, open_to_all=True, description="Acknowledgements of targets.")
REFUSALS = {
    Taken.SECOND: ApiError(409, "This attempt has been acknowledged already; the first acknowledgement counts."),
    Taken.CANCELLED: ApiError(409, "The job was cancelled: how its attempt ended changes nothing any more."),
    Taken.LATE: ApiError(410, "This attempt has ended without its acknowledgement: its time was over, or it failed."),
}


class AckFields(Strict):
    """What POST /acks/{token} takes."""

    success = flag()
    body = Must("any JSON value", lambda value: value, allow_none=True)


class Acknowledgement(Schema):
    acknowledged = fields.Boolean()


@blueprint.route("/acks/<token>", methods=["POST"])
@blueprint.doc(security=[], requestBody=schemas.body_of(AckFields, required=False))
@blueprint.response(200, schemas.single(Acknowledgement))
def acknowledge(token: str) -> Response:
    """Report how an attempt ended that was answered with 202 and `Booper-Complete: later`: with success, unless
    `success` is false."""
    attempted = attempted_by(token, session_secret())
    if attempted is None:
        raise not_found()
    values, sent = load_optional_with_fields(AckFields())
    taken = acks.take(attempted, Ack(values.get("success", True), *body_of(JobRequest(values, sent))), clock.now())
    if taken in REFUSALS:
        raise REFUSALS[taken]
    return respond({"data": {"acknowledged": True}})
