"""Serves the page of endpoints, which get the events of all jobs: lists, adds, disables and removes them."""

import json
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.routes.endpoints import NewEndpoint, stored_types
from models.database.ids import is_uuid
from models.operations import address_changes
from models.rules import clock
from models.webhooks import endpoints, signing_keys
from models.webhooks.event_types import EVENT_TYPES


@pages.get("/endpoints")
def list_endpoints() -> Response:
    return _page("", [], {}, 200)


@pages.post("/endpoints")
def add_endpoint() -> Response:
    """Add an endpoint. When no type is selected it gets events of all types, also of types that later versions add."""
    url, types = request.form.get("url", "").strip(), request.form.getlist("types")
    try:
        fields: dict[str, Any] = NewEndpoint().load({"url": url, **({"types": types} if types else {})})
    except ValidationError as error:
        return _page(url, types, error.normalized_messages(), 422)
    stored = stored_types(fields.get("types"))
    if endpoints.create(visitor().account_id, fields["url"], stored, fields["enabled"], clock.now()) is None:
        problem = f"An account may have at most {endpoints.MAX_ENDPOINTS} endpoints. Remove one of them first."
        return _page(url, types, {"url": [problem]}, 409)
    return redirect_to("list_endpoints", "saved")


@pages.post("/endpoints/<key>/enable")
def enable_endpoint(key: str) -> Response:
    return _set_enabled(key, 1)


@pages.post("/endpoints/<key>/disable")
def disable_endpoint(key: str) -> Response:
    return _set_enabled(key, 0)


@pages.post("/endpoints/<key>/remove")
def remove_endpoint(key: str) -> Response:
    if not is_uuid(key) or not address_changes.delete_endpoint(visitor().account_id, key, clock.now()):
        raise page_not_found()
    return redirect_to("list_endpoints", "deleted")


def _set_enabled(key: str, enabled: int) -> Response:
    account_id, now = visitor().account_id, clock.now()
    if not is_uuid(key) or address_changes.change_endpoint(account_id, key, {"enabled": enabled}, now) is None:
        raise page_not_found()
    return redirect_to("list_endpoints", "saved")


def _page(url: str, types: list[str], errors: dict[str, Any], status: int) -> Response:
    account_id, now = visitor().account_id, clock.now()
    rows = endpoints.listed(account_id)
    text = render_template(
        "endpoints.html",
        endpoints=rows,
        types_of={row.uuid: json.loads(row.types) if row.types else [] for row in rows},
        signed=any(key.ends_at is None or key.ends_at > now for key in signing_keys.listed(account_id)),
        events=EVENT_TYPES,
        url=url,
        types=types,
        errors=errors,
    )
    return make_response(text, status)
