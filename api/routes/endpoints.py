"""Owns the routes under /endpoints: the addresses that get the events of all jobs of an account."""

import json
from typing import Any

from flask import Response
from marshmallow import ValidationError

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must, Strict
from api.requests.ids import uuid_key
from api.requests.job_fields import read_url
from api.responses import schemas as shown_as
from api.responses.responses import ApiError, not_found, respond
from api.responses.timestamps import micros_utc
from models.jobs.job_json import compact
from models.rules import clock
from models.webhooks import endpoints
from models.webhooks.notifications import EVENTS
from models.webhooks.webhook_tables import Endpoint

blueprint = Blueprint("endpoints", __name__, description="Who gets the events of all jobs.")

TYPES = f"a list of one or more of {', '.join(EVENTS)}"
FLAG = "true or false"


def read_types(value: Any) -> list[str]:
    """Each type once, in the order of EVENTS."""
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError
    unknown = [each for each in value if each not in EVENTS]
    if unknown:
        raise ValidationError(f"must be {TYPES}, got {compact(unknown[0])[:60]}")
    return [each for each in EVENTS if each in value]


def read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


class NewEndpoint(Strict):
    """What POST /endpoints takes. `types`: null or nothing for all."""

    url = Must("an https URL", read_url, "string", required=True)
    types = Must(TYPES, read_types, "array", allow_none=True)
    enabled = Must(FLAG, read_flag, "boolean", load_default=True)


class EndpointChange(Strict):
    """What PATCH /endpoints/{id} takes."""

    url = Must("an https URL", read_url, "string")
    types = Must(TYPES, read_types, "array", allow_none=True)
    enabled = Must(FLAG, read_flag, "boolean")


@blueprint.route("/endpoints", methods=["POST"])
@blueprint.arguments(NewEndpoint())
@blueprint.response(201, shown_as.EndpointResponse)
@blueprint.alt_response(409, schema=shown_as.ErrorResponse, description="The account has as many as there may be.")
def create(asked: dict[str, Any]) -> Response:
    """Add an endpoint."""
    made = endpoints.create(
        caller().account_id, asked["url"], stored_types(asked.get("types")), asked["enabled"], clock.now()
    )
    if made is None:
        raise ApiError(409, f"There may be at most {endpoints.MAX_ENDPOINTS} endpoints; delete one of them first.")
    return respond({"data": shape(made)}, 201)


@blueprint.route("/endpoints", methods=["GET"])
@blueprint.response(200, shown_as.EndpointsResponse)
def list_endpoints() -> Response:
    """Every endpoint, oldest first."""
    return respond({"data": [shape(endpoint) for endpoint in endpoints.listed(caller().account_id)]})


@blueprint.route("/endpoints/<key>", methods=["GET"])
@blueprint.response(200, shown_as.EndpointResponse)
def get_endpoint(key: str) -> Response:
    """One endpoint."""
    return _found(endpoints.find(caller().account_id, _checked(key)))


@blueprint.route("/endpoints/<key>", methods=["PATCH"])
@blueprint.arguments(EndpointChange())
@blueprint.response(200, shown_as.EndpointResponse)
def change(asked: dict[str, Any], key: str) -> Response:
    """Change what is given, and leave the rest."""
    values = dict(asked)
    if "types" in values:
        values["types"] = stored_types(values["types"])
    if "enabled" in values:
        values["enabled"] = int(values["enabled"])
    return _found(endpoints.change(caller().account_id, _checked(key), values))


@blueprint.route("/endpoints/<key>", methods=["DELETE"])
@blueprint.response(204)
def delete(key: str) -> Response:
    """Delete an endpoint; events that wait for it are sent all the same."""
    if not endpoints.delete(caller().account_id, _checked(key)):
        raise not_found()
    return Response(status=204)


def stored_types(types: list[str] | None) -> str | None:
    return None if types is None else compact(types)


def shape(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.uuid,
        "url": endpoint.url,
        "types": json.loads(endpoint.types) if endpoint.types else None,
        "enabled": bool(endpoint.enabled),
        "inserted_at": micros_utc(endpoint.created_at),
    }


def _checked(key: str) -> str:
    uuid = uuid_key(key)
    if uuid is None:
        raise not_found()
    return uuid


def _found(endpoint: Endpoint | None) -> Response:
    if endpoint is None:
        raise not_found()
    return respond({"data": shape(endpoint)})
