"""Serves /channels: messages to a channel, and where the messages of an account go.

Channels belong to an account, which the key names. In embedded mode the demo channel is everybody's instead, and a
message to it needs no key. The URL of a service is a secret that no response shows.
"""

from typing import Any

from flask import Response, g, request
from marshmallow import Schema, fields

from api.auth import caller, require_key
from api.blueprint import Blueprint
from api.context import demo_is_open
from api.requests.fields import Must
from api.requests.hops import hops
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.job_values import A_URL, URL_FORM, read_url
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import not_found, respond
from api.responses.timestamps import micros_utc
from api.routes.try_targets import Message
from models.jobs.job_json import compact
from models.operations import address_changes
from models.rules import clock
from models.webhooks import channels
from models.webhooks.channel_forms import FORWARDED
from models.webhooks.channels import DEMO

blueprint = Blueprint("channels", __name__, open_to_all=True, description="Messages to people.")


@blueprint.before_request
def require_key_unless_open() -> None:
    """Let a message to an open demo channel come with any key or none. Without a key no other channel is there."""
    is_message = request.endpoint == f"{blueprint.name}.{post_to_channel.__name__}"
    is_demo = (request.view_args or {}).get("name") == DEMO
    if is_message and is_demo and demo_is_open():
        return
    if not is_message or is_demo or "Authorization" in request.headers:
        require_key()


class ChannelMessage(Schema):
    author = fields.String()
    content = fields.String()


class KeptMessage(ChannelMessage):
    inserted_at = schemas.instant()


class Channel(Schema):
    name = fields.String()
    set = fields.Boolean()
    host = fields.String(allow_none=True, metadata={"description": "Of the URL, which is a secret itself."})


def shape(name: str, host: str | None) -> dict[str, Any]:
    return {"name": name, "set": host is not None, "host": host}


class ChannelTarget(Strict):
    """What PUT /channels/{name} takes."""

    url = Must(A_URL, read_url, URL_FORM, required=True)


@blueprint.route("/channels/<name>", methods=["POST"])
@blueprint.doc(security=[{}, {"key": []}], parameters=[KEY_PARAMETER])
@blueprint.arguments(Message())
@blueprint.response(200, schemas.single(ChannelMessage))
def post_to_channel(message: dict[str, str], name: str) -> Response:
    """Take a message: `demo` shows it on the dashboard, `discord` and `slack` forward it. Only `demo` may be open."""
    return respond_once(message, lambda now: _take(message, name, now))


def _take(message: dict[str, str], name: str, now: int) -> tuple[int, str]:
    author, content = message["author"], message["content"]
    if name == DEMO:
        owner = None if demo_is_open() else caller().account_id
        channels.keep(owner, channels.Message(author, content, now))
    elif not _forwarded(name, author, content, now):
        raise not_found()
    return 200, compact({"data": message})


@blueprint.route("/channels", methods=["GET"])
@blueprint.response(200, schemas.list_of(Channel))
def list_channels() -> Response:
    """The channels that forward, and whether they are set."""
    return respond({"data": [shape(name, host) for name, host in channels.hosts(caller().account_id).items()]})


@blueprint.route("/channels/<name>", methods=["PUT"])
@blueprint.arguments(ChannelTarget())
@blueprint.response(200, schemas.single(Channel))
def set_channel(target: dict[str, Any], name: str) -> Response:
    """Set where the messages to a channel go."""
    _require_forwarded(name)
    channels.configure(caller().account_id, name, target["url"], clock.now())
    return respond({"data": shape(name, channels.hosts(caller().account_id)[name])})


@blueprint.route("/channels/<name>", methods=["DELETE"])
@blueprint.response(204)
def remove_channel(name: str) -> Response:
    """Stop forwarding the messages to a channel."""
    _require_forwarded(name)
    if not address_changes.remove_channel(caller().account_id, name, clock.now()):
        raise not_found()
    return Response(status=204)


@blueprint.route("/channels/demo/messages", methods=["GET"])
@blueprint.response(200, schemas.list_of(KeptMessage))
def list_demo_messages() -> Response:
    """The last messages to the demo channel, newest first."""
    messages = channels.kept(None if demo_is_open() else caller().account_id)
    return respond({"data": [row._asdict() | {"inserted_at": micros_utc(row.inserted_at)} for row in messages]})


def _forwarded(name: str, author: str, content: str, now: int) -> bool:
    """A request without a key has no channels: the same 404 as for a channel that is not set."""
    if name not in FORWARDED or "caller" not in g:
        return False
    return channels.forward(caller().account_id, name, author, content, hops(), now)


def _require_forwarded(name: str) -> None:
    if name not in FORWARDED:
        raise not_found()
