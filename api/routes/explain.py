"""Serves /jobs/{id}/explain: why a job has not run."""

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.ids import job_in_path
from api.responses import schemas
from api.responses.responses import or_not_found, respond
from api.responses.timestamps import micros_utc
from models.jobs import job_store
from models.operations import explain
from models.rules import clock

blueprint = Blueprint("explaining", __name__, description="Why a job has not run.")


class Reason(Schema):
    code = fields.String(metadata={"enum": list(explain.CODES)})
    text = fields.String()
    at = fields.String(
        allow_none=True,
        metadata={"example": "2026-01-31T09:00:00.000000Z", "description": "When it ends; null: not known."},
    )


class Explanation(Schema):
    reasons = fields.List(fields.Nested(Reason))


@blueprint.route("/jobs/<key>/explain", methods=["GET"])
@blueprint.response(200, schemas.single(Explanation))
def explain_job(key: str) -> Response:
    """Why a job has not run, the most important reason first; of a final job, how it ended."""
    account_id, now = caller().account_id, clock.now()
    job = or_not_found(job_store.find(account_id, job_in_path(key)))
    facts = or_not_found(explain.facts_of(account_id, job.id, now))
    reasons = explain.explain(facts, now)
    return respond({"data": {"reasons": [reason._asdict() | {"at": micros_utc(reason.at)} for reason in reasons]}})
