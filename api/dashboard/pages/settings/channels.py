"""Serves the page of channels: where messages to them go, and the latest messages of the demo channel."""

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import demo_is_open
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.requests.job_values import read_url
from models.operations import address_changes
from models.rules import clock
from models.webhooks import channels
from models.webhooks.channel_forms import FORWARDED


@pages.get("/channels")
def list_channels() -> Response:
    return _page({}, 200)


@pages.post("/channels/<name>")
def set_channel(name: str) -> Response:
    """Set where messages to a channel go. The URL is a secret, so no page shows it."""
    if name not in FORWARDED:
        raise page_not_found()
    try:
        url = read_url(request.form.get("url", "").strip())
    except ValidationError as error:
        return _page({name: str(error.messages[0])}, 422)
    channels.configure(visitor().account_id, name, url, clock.now())
    return redirect_to("list_channels", "saved")


@pages.post("/channels/<name>/remove")
def remove_channel(name: str) -> Response:
    if name not in FORWARDED or not address_changes.remove_channel(visitor().account_id, name, clock.now()):
        raise page_not_found()
    return redirect_to("list_channels", "deleted")


def _page(problems: dict[str, str], status: int) -> Response:
    account_id, is_open = visitor().account_id, demo_is_open()
    messages = channels.kept(None if is_open else account_id)
    shown = {"hosts": channels.hosts(account_id), "messages": messages, "demo_is_open": is_open, "problems": problems}
    return make_response(render_template("channels.html", **shown), status)
