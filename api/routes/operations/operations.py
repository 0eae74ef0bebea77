"""Serves /operations: how far the actions on many jobs are, and how to stop one."""

import json
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import choice
from api.requests.ids import uuid_in_path
from api.requests.paging import NEXT_HEADERS, PageQuery, ordered, page_response
from api.responses import schemas
from api.responses.responses import or_not_found, respond
from api.responses.timestamps import micros_utc
from models.jobs.job_json import compact
from models.operations import bulk, operation_store
from models.operations.operation_store import OperationRow
from models.rules import clock

blueprint = Blueprint("operations", __name__, description="What is done to many jobs at once.")


class Operation(Schema):
    id = fields.UUID()
    action = fields.String(metadata={"enum": list(bulk.STATES_OF)})
    filter = fields.Dict(metadata={"description": "As it was sent."})
    limit = fields.Integer(allow_none=True)
    state = fields.String(metadata={"enum": list(operation_store.STATES)})
    done = fields.Integer()
    failed = fields.Integer(metadata={"description": "Jobs that could not be acted on any more."})
    left = fields.Integer(metadata={"description": "As far as it is cheap to count; see more_left."})
    more_left = fields.Boolean(metadata={"description": "Whether more may be left than were counted."})
    inserted_at = schemas.instant()
    ended_at = schemas.instant(allow_none=True)


def shape(operation: OperationRow) -> dict[str, Any]:
    return {
        "id": operation.uuid,
        "action": operation.action,
        "filter": json.loads(operation.sent),
        "limit": operation.at_most,
        "state": operation.state,
        "done": operation.done,
        "failed": operation.failed,
        "left": operation.jobs_left,
        "more_left": bool(operation.more_left),
        "inserted_at": micros_utc(operation.inserted_at),
        "ended_at": micros_utc(operation.ended_at),
    }


class OperationsQuery(PageQuery):
    """What GET /operations takes."""

    listing = operation_store.LISTING
    order_by = ordered(listing)
    state = choice(operation_store.STATES)


@blueprint.route("/operations", methods=["GET"])
@blueprint.arguments(OperationsQuery(), location="query")
@blueprint.response(200, schemas.list_of(Operation), headers=NEXT_HEADERS)
def list_operations(query: dict[str, Any]) -> Response:
    """A page of operations, newest first by default."""
    page = query["page"]
    rows, end = operation_store.listed(caller().account_id, query.get("state"), page)
    return page_response(compact({"data": [shape(row) for row in rows]}), page.order, end)


@blueprint.route("/operations/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(Operation))
def get_operation(key: str) -> Response:
    """One operation."""
    return respond({"data": shape(or_not_found(operation_store.find(caller().account_id, uuid_in_path(key))))})


@blueprint.route("/operations/<key>/cancel", methods=["POST"])
@blueprint.response(200, schemas.single(Operation))
def cancel_operation(key: str) -> Response:
    """Stop an operation; what is done stays done. One that has ended stays as it is."""
    operation = operation_store.cancel(caller().account_id, uuid_in_path(key), clock.now())
    return respond({"data": shape(or_not_found(operation))})
