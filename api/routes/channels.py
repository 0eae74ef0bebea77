"""Owns the routes under /channels: messages to a channel, and where an account's messages go to.

A message needs no key for the demo channel; for the others, which belong to an account, its key tells which. The URL of
a service is a secret and never answered.
"""

from typing import Any

from flask import Response, g, request

from api.auth import caller, require_key
from api.blueprint import Blueprint
from api.requests.fields import Must, Strict
from api.requests.job_fields import read_url
from api.responses import schemas as shown_as
from api.responses.responses import not_found, respond
from api.responses.timestamps import micros_utc
from api.routes.jobs import hops
from api.routes.try_targets import Message
from models.rules import clock
from models.webhooks import channels
from models.webhooks.channel_forms import FORWARDED
from models.webhooks.channels import DEMO

blueprint = Blueprint("channels", __name__, open_to_all=True, description="Messages to people.")


@blueprint.before_request
def require_key_unless_open() -> None:
    """Let a message come without a key, and to the demo channel with any key, since nobody looks at it."""
    is_message = request.endpoint == f"{blueprint.name}.{post_to_channel.__name__}"
    is_demo = (request.view_args or {}).get("name") == DEMO
    if not is_message or ("Authorization" in request.headers and not is_demo):
        require_key()


class ChannelTarget(Strict):
    """What PUT /channels/{name} takes."""

    url = Must("an https URL", read_url, "string", required=True)


@blueprint.route("/channels/<name>", methods=["POST"])
@blueprint.doc(security=[{}, {"key": []}])
@blueprint.arguments(Message())
@blueprint.response(200, shown_as.MessageResponse)
def post_to_channel(message: dict[str, str], name: str) -> Response:
    """The message back; `demo` shows it on the dashboard, `discord` and `slack` forward it."""
    author, content, now = message["author"], message["content"], clock.now()
    if name == DEMO:
        channels.keep(channels.Message(author, content, now))
    elif not _forwarded(name, author, content, now):
        raise not_found()
    return respond({"data": message})


@blueprint.route("/channels", methods=["GET"])
@blueprint.response(200, shown_as.ChannelsResponse)
def list_channels() -> Response:
    """The channels that forward, and whether they are set."""
    return respond({"data": [shape(name, host) for name, host in channels.hosts(caller().account_id).items()]})


@blueprint.route("/channels/<name>", methods=["PUT"])
@blueprint.arguments(ChannelTarget())
@blueprint.response(200, shown_as.ChannelResponse)
def configure(asked: dict[str, Any], name: str) -> Response:
    """Set where messages to a channel go to."""
    _checked(name)
    channels.configure(caller().account_id, name, asked["url"], clock.now())
    return respond({"data": shape(name, channels.hosts(caller().account_id)[name])})


@blueprint.route("/channels/<name>", methods=["DELETE"])
@blueprint.response(204)
def remove(name: str) -> Response:
    """Forward no messages to a channel any more."""
    _checked(name)
    if not channels.remove(caller().account_id, name):
        raise not_found()
    return Response(status=204)


@blueprint.route("/channels/demo/messages", methods=["GET"])
@blueprint.response(200, shown_as.KeptMessagesResponse)
def list_messages() -> Response:
    """The last messages to the demo channel, newest first."""
    return respond({"data": [row._asdict() | {"inserted_at": micros_utc(row.inserted_at)} for row in channels.kept()]})


def shape(name: str, host: str | None) -> dict[str, Any]:
    return {"name": name, "set": host is not None, "host": host}


def _forwarded(name: str, author: str, content: str, now: int) -> bool:
    """Without a key nobody's channels are there: the same 404 as for one that is not set."""
    if name not in FORWARDED or "caller" not in g:
        return False
    return channels.forward(caller().account_id, name, author, content, hops(), now)


def _checked(name: str) -> None:
    if name not in FORWARDED:
        raise not_found()
