"""Serves /groups: targets that an order names together."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must, shown
from api.requests.ids import name_in_path, new_name_in_path
from api.requests.job_values import (
    A_LABEL,
    A_URL,
    HEADERS_FORM,
    LABEL_FORM,
    TARGET_URL_FORM,
    URL_FORM,
    read_headers,
    read_label,
    read_target,
)
from api.requests.options.group import A_GROUP
from api.requests.reading.body import kind_of
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import ApiError, not_found, or_not_found, respond
from api.responses.timestamps import micros_utc
from models.accounts import target_groups
from models.accounts.target_groups import MAX_GROUPS, MAX_TARGETS, Target, TooMany
from models.accounts.target_groups import Group as GroupRow
from models.rules import clock

blueprint = Blueprint("groups", __name__, description="Targets that an order names together.")

TARGETS = f"a list of 1 to {MAX_TARGETS} targets, each an object with name, url and perhaps headers"
TARGET_FORM = {
    "type": "object",
    "properties": {"name": LABEL_FORM, "url": URL_FORM, "headers": {"anyOf": [HEADERS_FORM, {"type": "null"}]}},
    "required": ["name", "url"],
    "additionalProperties": False,
}
TARGETS_FORM = {"type": "array", "minItems": 1, "maxItems": MAX_TARGETS, "items": TARGET_FORM}


class TargetFields(Strict):
    """A target of a group."""

    name = Must(A_LABEL, read_label, LABEL_FORM, required=True)
    url = Must(A_URL, read_target, TARGET_URL_FORM, required=True)
    headers = Must("an object of names and strings", read_headers, HEADERS_FORM, allow_none=True)


target_fields = TargetFields()


def read_targets(value: Any) -> list[Target]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_TARGETS:
        raise ValueError
    errors, targets, names = {}, [], set()
    for place, each in enumerate(value):
        try:
            target = _read_target(each)
        except ValidationError as error:
            errors[str(place)] = error.normalized_messages()
            continue
        if target.name in names:
            errors[str(place)] = {"name": [f"must be another for each target, got {shown(target.name)} again"]}
        names.add(target.name)
        targets.append(target)
    if errors:
        raise ValidationError(errors)
    return targets


def _read_target(value: Any) -> Target:
    if not isinstance(value, dict):
        raise ValidationError({"": [f"must be an object with name and url, got {kind_of(value)}"]})
    loaded = target_fields.load(value)
    return Target(loaded["name"], loaded["url"], loaded.get("headers") or {})


class GroupFields(Strict):
    """What PUT /groups/{name} takes."""

    targets = Must(TARGETS, read_targets, TARGETS_FORM, required=True)


class TargetSchema(Schema):
    name = fields.String()
    url = fields.String()
    headers = fields.Dict(keys=fields.String(), values=fields.String())


class GroupSummary(Schema):
    name = fields.String()
    size = fields.Integer(metadata={"description": "How many targets it has."})
    inserted_at = schemas.instant()
    updated_at = schemas.instant()


class Group(Schema):
    name = fields.String()
    targets = fields.List(fields.Nested(TargetSchema))
    inserted_at = schemas.instant()
    updated_at = schemas.instant()


def summary(group: GroupRow) -> dict[str, Any]:
    return {"name": group.name, "size": len(group.targets), **_instants(group)}


def shape(group: GroupRow) -> dict[str, Any]:
    return {"name": group.name, "targets": [target._asdict() for target in group.targets], **_instants(group)}


def _instants(group: GroupRow) -> dict[str, Any]:
    return {"inserted_at": micros_utc(group.created_at), "updated_at": micros_utc(group.changed_at)}


@blueprint.route("/groups", methods=["GET"])
@blueprint.response(200, schemas.list_of(GroupSummary))
def list_groups() -> Response:
    """Every group, by name, without its targets."""
    return respond({"data": [summary(group) for group in target_groups.listed(caller().account_id)]})


@blueprint.route("/groups/<name>", methods=["GET"])
@blueprint.response(200, schemas.single(Group))
def get_group(name: str) -> Response:
    """One group, with its targets."""
    return respond({"data": shape(or_not_found(target_groups.find(caller().account_id, name_in_path(name))))})


@blueprint.route("/groups/<name>", methods=["PUT"])
@blueprint.arguments(GroupFields())
@blueprint.response(200, schemas.single(Group), description="The group as it is now.")
@blueprint.alt_response(201, schema=schemas.single(Group), description="The new group.")
@blueprint.alt_response(
    409, schema=schemas.ErrorResponse, description=f"The account has {MAX_GROUPS} groups, none of this name."
)
def put_group(values: dict[str, Any], name: str) -> Response:
    """Make a group, or give the present one exactly these targets. Jobs that are ordered already stay as they are."""
    name = new_name_in_path(name, A_GROUP)
    try:
        group, is_new = target_groups.put(caller().account_id, name, values["targets"], clock.now())
    except TooMany:
        raise ApiError(409, f"There may be at most {MAX_GROUPS} groups; delete one of them first.") from None
    return respond({"data": shape(group)}, 201 if is_new else 200)


@blueprint.route("/groups/<name>", methods=["DELETE"])
@blueprint.response(204)
def delete_group(name: str) -> Response:
    """Delete a group. Its jobs stay; a schedule that names it makes no more jobs."""
    if not target_groups.delete(caller().account_id, name_in_path(name)):
        raise not_found()
    return Response(status=204)
