"""Serves /failures: jobs that were given up or are being retried, one by one and in groups."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validates_schema

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import choice
from api.requests.job_filters import FilterFields, filter_of
from api.requests.paging import NEXT_HEADERS, PageQuery, ordered, page_response
from api.responses import expanded_jobs, schemas, serializers
from api.responses.attempts import Attempt
from api.responses.expanded_jobs import LAST_ATTEMPT
from api.responses.responses import respond
from api.responses.timestamps import micros_utc
from models.database.paging import Listing
from models.jobs.searches.job_filter import FAILING
from models.operations import failures
from models.operations.failures import Failure

blueprint = Blueprint("failures", __name__, description="Jobs that failed and that nobody has run again.")


class FailedJob(schemas.Job):
    last_attempt = fields.Nested(Attempt, allow_none=True)


class FailureGroup(Schema):
    state = fields.String(metadata={"enum": list(FAILING)})
    host = fields.String()
    reason = fields.String()
    jobs = fields.Integer()
    more = fields.Boolean(metadata={"description": "Whether there are or may be more."})
    latest_at = schemas.instant()
    latest_job_id = fields.Integer()


class FailuresQuery(FilterFields, PageQuery):
    """What GET /failures takes."""

    listing = Listing({"inserted_at": ("inserted_at", False)}, "id")
    order_by = ordered(listing)
    state = choice(FAILING)

    @validates_schema
    def check_offset(self, data: dict[str, Any], **_: Any) -> None:
        if data["offset"]:
            raise ValidationError(f"must be absent: follow the cursor, got {data['offset']}", "offset")


@blueprint.route("/failures", methods=["GET"])
@blueprint.arguments(FailuresQuery(), location="query")
@blueprint.response(200, schemas.list_of(FailedJob), headers=NEXT_HEADERS)
def list_failures(query: dict[str, Any]) -> Response:
    """A page of jobs that failed and that nobody has run again, newest first by default."""
    owner, page = caller(), query["page"]
    rows, end = failures.listed(owner.account_id, filter_of(query), page)
    texts = expanded_jobs.texts(owner.account_id, owner.user_id, rows, (LAST_ATTEMPT,))
    return page_response(serializers.data_list(texts), page.order, end)


@blueprint.route("/failures/groups", methods=["GET"])
@blueprint.response(200, schemas.list_of(FailureGroup))
def list_failure_groups() -> Response:
    """The latest failures by state, host and reason, the largest group first."""
    return respond({"data": [shape(group) for group in failures.grouped(caller().account_id)]})


def shape(group: Failure) -> dict[str, Any]:
    return {
        "state": group.state,
        "host": group.host,
        "reason": group.reason,
        "jobs": group.jobs,
        "more": group.more,
        "latest_at": micros_utc(group.latest_at),
        "latest_job_id": group.ids[0],
    }
