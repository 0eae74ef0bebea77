"""Serves /jobs/batch: many requests for jobs in one, each stored or refused by itself."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.requests.fields import Must
from api.requests.hops import hops, traceparent
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest, due_at, new_job
from api.requests.new_schedule import recurs
from api.requests.reading.body import BATCH, fields_of, read_documents, refuse_faults
from api.requests.reading.strict_json import Document, ListMember
from api.requests.reading.strict_schema import Strict
from api.responses import schemas, serializers
from api.responses.responses import ApiError, error_text, invalid, request_id
from models.flows import orders

blueprint = Blueprint(BATCH, __name__, description="Many jobs in one request.")

JOBS = "jobs"
MAX_JOBS = 1000
JOBS_EXPECTED = f"a list of 1 to {MAX_JOBS} jobs, each as POST /api/jobs takes it"
NO_GROUP = "must be absent in a batch: order each group by itself, got one"
NOT_RECURRING = "must be absent in a batch, and cron too: make each schedule by itself, got one"

job_fields = JobFields()


class BatchFields(Strict):
    """What POST /jobs/batch takes."""

    list_member = ListMember(JOBS, MAX_JOBS)
    about = {
        "items": {"$ref": f"#/components/schemas/{JobFields.__name__}"},
        "minItems": 1,
        "maxItems": MAX_JOBS,
    }
    jobs = Must(JOBS_EXPECTED, read_documents(JOBS_EXPECTED), "array", required=True, metadata=about)


class BatchResponse(Schema):
    data = fields.List(fields.Raw(metadata=schemas.either(schemas.Job, schemas.ErrorResponse)))


@blueprint.route("/jobs/batch", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(BatchFields())
@blueprint.response(201, BatchResponse, description="Each job or its error, in the order of the request.")
def create_batch(batch: dict[str, list[Document]]) -> Response:
    """Order up to 1,000 requests; a wrong one gets an error in its place and does not affect the others."""
    documents = batch[JOBS]
    return respond_once({JOBS: [document.value for document in documents]}, lambda now: _create(documents, now))


def _create(documents: list[Document], now: int) -> tuple[int, str]:
    owner, hop_count, trace = caller(), hops(), traceparent()
    items = [_job_request(document) for document in documents]
    accepted = [item for item in items if isinstance(item, JobRequest)]
    new = [new_job(item, owner.account_id, due_at(item, now), hop_count, trace) for item in accepted]
    created = iter(orders.create_each(new, now))
    texts = [
        error_text(item, request_id()) if isinstance(item, ApiError) else _job(*next(created), owner.user_id)
        for item in items
    ]
    return 201, serializers.data_list(texts)


def _job_request(document: Document) -> JobRequest | ApiError:
    """The request that an element makes, checked as if it came alone, or its error."""
    try:
        _refuse_large(document)
        refuse_faults(document)
        job_request: JobRequest = job_fields.load(fields_of(document))
        if job_request.values.get("group") is not None:
            return invalid({"group": [NO_GROUP]})
        return invalid({"repeat_every": [NOT_RECURRING]}) if recurs(job_request) else job_request
    except ApiError as error:
        return error
    except ValidationError as error:
        return invalid(error.normalized_messages())


def _refuse_large(document: Document) -> None:
    """In a batch a job may not be larger than it may be alone."""
    size, limit = len(document.text), settings().max_body_bytes
    if size * 4 > limit:  # a character is at most four bytes: shorter texts fit
        size = len(document.text.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise invalid({"": [f"must be at most {limit} bytes, got {size}"]})


def _job(row: Any, created: bool, user_id: str) -> str:
    return serializers.job(row, user_id, has_conflict=not created)
