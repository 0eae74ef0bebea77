"""Owns the route that answers why a job has not run."""

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.ids import job_key
from api.responses import schemas as shown_as
from api.responses.responses import not_found, respond
from models.jobs import job_store
from models.operations import explain
from models.rules import clock

blueprint = Blueprint("explaining", __name__, description="Why a job has not run.")


@blueprint.route("/jobs/<key>/explain", methods=["GET"])
@blueprint.response(200, shown_as.ExplanationResponse)
def explain_job(key: str) -> Response:
    """Why a job has not run, the weightiest reason first; of a final one, how it ended."""
    now, known = clock.now(), job_key(key)
    job = None if known is None else job_store.find(caller().account_id, known)
    facts = job and explain.facts_of(caller().account_id, job.id, now)
    if facts is None:
        raise not_found()
    return respond({"data": {"reasons": [reason._asdict() for reason in explain.explain(facts, now)]}})
