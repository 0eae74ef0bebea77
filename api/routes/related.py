"""Owns the route from a job to what tells of it, and back."""

from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Strict, whole_in_query
from api.requests.ids import job_key
from api.responses import schemas as shown_as
from api.responses import serializers
from api.responses.responses import json_response, not_found
from models.jobs.job_json import compact
from models.jobs.related import related

blueprint = Blueprint("related", __name__, description="Callbacks and events of a job.")


class RelatedQuery(Strict):
    """What GET /jobs/{id}/related takes."""

    limit = whole_in_query(1, 100, load_default=100)
    offset = whole_in_query(0, 10**9, load_default=0)


@blueprint.route("/jobs/<key>/related", methods=["GET"])
@blueprint.arguments(RelatedQuery(), location="query")
@blueprint.response(200, shown_as.RelatedResponse)
def list_related(asked: dict[str, Any], key: str) -> Response:
    """The callbacks and events of a job; of one of those, the job that it tells of. Oldest first."""
    who, job = caller(), job_key(key)
    rows = related(who.account_id, job, asked["limit"], asked["offset"]) if job is not None else None
    if rows is None:
        raise not_found()
    texts = [serializers.with_member(serializers.job(row, who.user_id), "kind", compact(row.kind)) for row in rows]
    return json_response(serializers.data_list(texts))
