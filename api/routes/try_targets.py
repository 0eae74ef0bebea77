"""Serves targets to try jobs on, without a key: ping, echo and broadcast. They store nothing."""

from typing import Any

from flask import Response, request
from marshmallow import Schema, fields, pre_load

from api.blueprint import Blueprint
from api.requests.fields import text
from api.requests.reading.body import FORM, Fields, read_bytes, read_fields, read_json
from api.requests.reading.strict_schema import Strict
from api.responses.responses import respond
from models.jobs.job_json import JSON_TYPE

blueprint = Blueprint("try_targets", __name__, open_to_all=True, description="Targets to try jobs on.")

MAX_AUTHOR_CHARS = 255
MAX_CONTENT_CHARS = 100_000


class Pong(Schema):
    message = fields.String()


class Message(Strict):
    """What a channel takes. Booper adds members that begin with $ to the bodies of recurring jobs; they are dropped."""

    author = text(MAX_AUTHOR_CHARS, required=True)
    content = text(MAX_CONTENT_CHARS, required=True)

    @pre_load
    def without_dynamic_members(self, sent: Fields, **_: Any) -> dict[str, Any]:
        return {name: value for name, value in sent.items() if not name.startswith("$")}


class Broadcast(Message):
    """What broadcast takes."""

    channel = text(MAX_AUTHOR_CHARS, required=True)


@blueprint.route("/ping", methods=["GET"])
@blueprint.doc(security=[])
@blueprint.response(200, Pong)
def ping() -> Response:
    """Whether the API answers."""
    return respond({"message": "Pong"})


@blueprint.route("/echo", methods=["POST"])
@blueprint.doc(security=[])
@blueprint.doc(requestBody={"content": {JSON_TYPE: {"schema": {"propertyNames": {"pattern": r"^[^\x00]*$"}}}}})
@blueprint.response(200, {}, description="The body that was sent; `{}` for an empty one.")
def echo() -> Response:
    """Return the body: JSON as JSON, a form as an object, anything else as its bytes."""
    if request.is_json:
        return respond(read_json().value)
    if request.mimetype == FORM:
        return respond(read_fields())
    body = read_bytes()
    if not body:
        return respond({})
    return Response(body, mimetype="text/plain" if request.mimetype.startswith("text/") else "application/octet-stream")


@blueprint.route("/broadcast", methods=["POST"])
@blueprint.doc(security=[])
@blueprint.arguments(Broadcast())
@blueprint.response(200, Broadcast)
def broadcast(message: dict[str, str]) -> Response:
    """Return the three fields."""
    return respond(message)
