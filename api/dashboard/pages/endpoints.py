"""Owns the page of endpoints: which addresses get the events of all jobs of the account; adding, pausing, removing."""

import json
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import back_to, gone, pages, visitor
from api.routes.endpoints import NewEndpoint, stored_types
from models.database.ids import is_uuid
from models.rules import clock
from models.webhooks import endpoints, signing_keys
from models.webhooks.notifications import EVENTS


@pages.get("/endpoints")
def list_endpoints() -> Response:
    return _page("", [], {}, 200)


@pages.post("/endpoints")
def add_endpoint() -> Response:
    """Add an endpoint; without a chosen type it gets the events of all types, also of those to come."""
    url, types = request.form.get("url", "").strip(), request.form.getlist("types")
    try:
        asked: dict[str, Any] = NewEndpoint().load({"url": url, **({"types": types} if types else {})})
    except ValidationError as error:
        return _page(url, types, error.normalized_messages(), 422)
    stored = stored_types(asked.get("types"))
    if endpoints.create(visitor().account_id, asked["url"], stored, asked["enabled"], clock.now()) is None:
        return _page(
            url, types, {"url": [f"There are {endpoints.MAX_ENDPOINTS} already; remove one of them first."]}, 409
        )
    return back_to("list_endpoints", "saved")


@pages.post("/endpoints/<key>/enable")
def enable_endpoint(key: str) -> Response:
    return _changed(key, 1)


@pages.post("/endpoints/<key>/disable")
def disable_endpoint(key: str) -> Response:
    return _changed(key, 0)


@pages.post("/endpoints/<key>/remove")
def remove_endpoint(key: str) -> Response:
    if not is_uuid(key) or not endpoints.delete(visitor().account_id, key):
        raise gone()
    return back_to("list_endpoints", "deleted")


def _changed(key: str, enabled: int) -> Response:
    if not is_uuid(key) or endpoints.change(visitor().account_id, key, {"enabled": enabled}) is None:
        raise gone()
    return back_to("list_endpoints", "saved")


def _page(url: str, types: list[str], errors: dict[str, Any], status: int) -> Response:
    account_id, now = visitor().account_id, clock.now()
    rows = endpoints.listed(account_id)
    text = render_template(
        "endpoints.html",
        endpoints=rows,
        types_of={row.uuid: json.loads(row.types) if row.types else [] for row in rows},
        signed=any(key.ends_at is None or key.ends_at > now for key in signing_keys.listed(account_id)),
        events=EVENTS,
        url=url,
        types=types,
        errors=errors,
    )
    return make_response(text, status)
