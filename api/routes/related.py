"""Serves /jobs/{id}/related: the callbacks and events of a job, and the job that one of them is about."""

from typing import Any

from flask import Response
from marshmallow import fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import whole_in_query
from api.requests.ids import job_in_path
from api.requests.paging import MAX_OFFSET
from api.requests.reading.strict_schema import Strict
from api.responses import schemas, serializers
from api.responses.responses import json_response, or_not_found
from models.jobs.job_json import compact, with_member
from models.jobs.job_store import related_to

blueprint = Blueprint("related", __name__, description="Callbacks and events of a job.")


class RelatedQuery(Strict):
    """What GET /jobs/{id}/related takes."""

    limit = whole_in_query(1, 100, load_default=100)
    offset = whole_in_query(0, MAX_OFFSET, load_default=0)


class RelatedJob(schemas.Job):
    kind = fields.String(metadata={"enum": ["callback", "event", "request"]})


@blueprint.route("/jobs/<key>/related", methods=["GET"])
@blueprint.arguments(RelatedQuery(), location="query")
@blueprint.response(200, schemas.list_of(RelatedJob))
def list_related(query: dict[str, Any], key: str) -> Response:
    """The callbacks and events of a job, oldest first. Of a callback or an event: the job that it is about."""
    owner = caller()
    rows = or_not_found(related_to(owner.account_id, job_in_path(key), query["limit"], query["offset"]))
    texts = [with_member(serializers.job(row, owner.user_id), "kind", compact(row.kind)) for row in rows]
    return json_response(serializers.data_list(texts))
