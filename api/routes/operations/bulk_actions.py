"""Serves /jobs/cancel, /jobs/retry and /jobs/delete: what is done to all jobs of a filter."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.requests.hops import hops
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.job_filters import filter_of
from api.responses import schemas
from api.responses.responses import ApiError, invalid, or_not_found, respond
from api.routes.operations.bulk_fields import BulkFields, CancelFields, DeleteFields
from api.routes.operations.operations import Operation, blueprint, shape
from models.jobs.job_json import compact
from models.jobs.job_kinds import REQUEST
from models.jobs.job_store import ids_of
from models.jobs.searches.job_filter import JobFilter
from models.operations import bulk, dry_runs, operation_store
from models.operations.bulk import CANCEL, DELETE, RETRY

__all__ = ["blueprint"]


class Matches(Schema):
    matches = fields.Integer(metadata={"description": f"At most {bulk.COUNTED}."})
    more = fields.Boolean(metadata={"description": "Whether there are or may be more."})


@blueprint.route("/jobs/cancel", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(CancelFields())
@blueprint.response(202, schemas.single(Operation), description="The operation, which the ticker works off.")
@blueprint.alt_response(200, schema=schemas.single(Matches), description="Of a dry run: how many jobs match.")
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="Too many operations are running.")
def cancel_jobs(values: dict[str, Any]) -> Response:
    """Cancel all jobs of a filter that have not ended."""
    return _respond(CANCEL, values)


@blueprint.route("/jobs/retry", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(BulkFields())
@blueprint.response(202, schemas.single(Operation), description="The operation, which the ticker works off.")
@blueprint.alt_response(200, schema=schemas.single(Matches), description="Of a dry run: how many jobs match.")
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="Too many operations are running.")
def retry_jobs(values: dict[str, Any]) -> Response:
    """Create for each job of a filter a new one with the same request, due now. The old ones stay as they are."""
    if values["filter"]["kind"] != REQUEST:
        raise invalid({"filter.kind": [f'must be {REQUEST} here, got "{values["filter"]["kind"]}"']})
    return _respond(RETRY, values)


@blueprint.route("/jobs/delete", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(DeleteFields())
@blueprint.response(202, schemas.single(Operation), description="The operation, which the ticker works off.")
@blueprint.alt_response(200, schema=schemas.single(Matches), description="Of a dry run: how many jobs match.")
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="Too many operations are running.")
def delete_jobs(values: dict[str, Any]) -> Response:
    """Delete all jobs of a filter that have ended, with their attempts and log entries. Others stay as they are."""
    return _respond(DELETE, values)


def _respond(action: str, values: dict[str, Any]) -> Response:
    job_filter = _filter(values["filter"])
    if values["dry_run"]:
        matches = dry_runs.count(caller().account_id, action, job_filter, values.get("limit"))
        return respond({"data": {"matches": matches.jobs, "more": matches.more}})
    return respond_once(values, lambda now: _create(action, values, job_filter, now))


def _filter(members: dict[str, Any]) -> JobFilter:
    keys = members.get("ids")
    if keys is None:
        return filter_of(members)
    return filter_of({**members, "ids": ids_of(caller().account_id, keys)})


def _create(action: str, values: dict[str, Any], job_filter: JobFilter, now: int) -> tuple[int, str]:
    sent, limit = compact(values["sent"]), values.get("limit")
    try:
        operation = bulk.create(caller().account_id, action, sent, job_filter, limit, now, hops=hops())
    except operation_store.TooMany:
        raise ApiError(409, f"At most {operation_store.MAX_RUNNING} operations may be running; wait for one.") from None
    return 202, compact({"data": shape(or_not_found(operation))})
