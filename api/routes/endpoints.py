"""Serves /endpoints: the addresses that get the events of all jobs of an account."""

import json
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must, flag, words_form
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import uuid_in_path
from api.requests.job_values import A_URL, TARGET_URL_FORM, read_target
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import ApiError, not_found, or_not_found, respond
from api.responses.timestamps import micros_utc
from models.jobs.job_json import compact
from models.operations import address_changes
from models.rules import clock
from models.webhooks import endpoints
from models.webhooks.endpoints import NotUnique
from models.webhooks.event_types import EVENT_TYPES
from models.webhooks.webhook_tables import Endpoint as EndpointRow

blueprint = Blueprint("endpoints", __name__, description="Who gets the events of all jobs.")


TYPES = f"a list of one or more of {', '.join(EVENT_TYPES)}"
TYPES_FORM = {"type": "array", "items": words_form(EVENT_TYPES), "minItems": 1}


class Endpoint(Schema):
    id = fields.UUID()
    url = fields.String()
    types = fields.List(
        fields.String(metadata=words_form(EVENT_TYPES)), allow_none=True, metadata={"description": "Null: all."}
    )
    enabled = fields.Boolean()
    inserted_at = schemas.instant()


def shape(endpoint: EndpointRow) -> dict[str, Any]:
    return {
        "id": endpoint.uuid,
        "url": endpoint.url,
        "types": json.loads(endpoint.types) if endpoint.types else None,
        "enabled": bool(endpoint.enabled),
        "inserted_at": micros_utc(endpoint.created_at),
    }


def read_types(value: Any) -> list[str]:
    """Each type once, in the order of EVENT_TYPES."""
    if not isinstance(value, list) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError
    unknown = [each for each in value if each not in EVENT_TYPES]
    if unknown:
        raise ValidationError(f"must be {TYPES}, got {compact(unknown[0])[:60]}")
    return [each for each in EVENT_TYPES if each in value]


class NewEndpoint(Strict):
    """What POST /endpoints takes. `types`: null or absent for all."""

    url = Must(A_URL, read_target, TARGET_URL_FORM, required=True)
    types = Must(TYPES, read_types, TYPES_FORM, allow_none=True)
    enabled = flag(load_default=True)
    unique = flag(load_default=False, metadata={"description": "True: 409 if there is an endpoint with this URL."})


class EndpointChange(Strict):
    """What PATCH /endpoints/{id} takes."""

    url = Must(A_URL, read_target, TARGET_URL_FORM)
    types = Must(TYPES, read_types, TYPES_FORM, allow_none=True)
    enabled = flag()


@blueprint.route("/endpoints", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(NewEndpoint())
@blueprint.response(201, schemas.single(Endpoint))
@blueprint.alt_response(
    409,
    schema=schemas.ErrorResponse,
    description=f"The account has {endpoints.MAX_ENDPOINTS} endpoints, or `unique` is true and one has this URL.",
)
def create_endpoint(values: dict[str, Any]) -> Response:
    """Add an endpoint."""
    return respond_once(values, lambda now: _create(values, now))


def _create(values: dict[str, Any], now: int) -> tuple[int, str]:
    account_id, types = caller().account_id, stored_types(values.get("types"))
    try:
        endpoint = endpoints.create(account_id, values["url"], types, values["enabled"], now, values["unique"])
    except NotUnique:
        raise ApiError(409, "There is an endpoint with this URL; change it, or leave `unique` out.") from None
    if endpoint is None:
        raise ApiError(409, f"There may be at most {endpoints.MAX_ENDPOINTS} endpoints; delete one of them first.")
    return 201, compact({"data": shape(endpoint)})


@blueprint.route("/endpoints", methods=["GET"])
@blueprint.response(200, schemas.list_of(Endpoint))
def list_endpoints() -> Response:
    """Every endpoint, oldest first."""
    return respond({"data": [shape(endpoint) for endpoint in endpoints.listed(caller().account_id)]})


@blueprint.route("/endpoints/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(Endpoint))
def get_endpoint(key: str) -> Response:
    """One endpoint."""
    return _respond(endpoints.find(caller().account_id, uuid_in_path(key)))


@blueprint.route("/endpoints/<key>", methods=["PATCH"])
@blueprint.arguments(EndpointChange())
@blueprint.response(200, schemas.single(Endpoint))
def change_endpoint(values: dict[str, Any], key: str) -> Response:
    """Change the members that the request names. Waiting events follow: to a new `url`, or held until `enabled`."""
    if "types" in values:
        values["types"] = stored_types(values["types"])
    if "enabled" in values:
        values["enabled"] = int(values["enabled"])
    return _respond(address_changes.change_endpoint(caller().account_id, uuid_in_path(key), values, clock.now()))


@blueprint.route("/endpoints/<key>", methods=["DELETE"])
@blueprint.response(204)
def delete_endpoint(key: str) -> Response:
    """Delete an endpoint. Events that wait for it are cancelled."""
    if not address_changes.delete_endpoint(caller().account_id, uuid_in_path(key), clock.now()):
        raise not_found()
    return Response(status=204)


def stored_types(types: list[str] | None) -> str | None:
    return None if types is None else compact(types)


def _respond(endpoint: EndpointRow | None) -> Response:
    return respond({"data": shape(or_not_found(endpoint))})
