"""Owns the route /jobs/batch: many orders in one request, each stored or refused for itself."""

from typing import Any

from flask import Response
from marshmallow import ValidationError

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.requests.body import BATCH, Listing, fields_of, kind_of, refuse_faults
from api.requests.fields import Must, Strict
from api.requests.idempotency import respond_once
from api.requests.job_fields import JobFields, due_at
from api.requests.job_requests import JobRequest, new_job
from api.requests.new_schedule import recurs
from api.requests.strict_json import Document
from api.responses import schemas as shown_as
from api.responses import serializers
from api.responses.responses import ApiError, error_text, invalid, request_id
from api.routes.jobs import hops
from models.jobs import batches

blueprint = Blueprint(BATCH, __name__, description="Many orders in one request.")

MAX_JOBS = 1000
JOBS_EXPECTED = f"a list of 1 to {MAX_JOBS} orders, each as POST /api/jobs takes it"
LISTING = "jobs"
NOT_RECURRING = "must be absent in a batch, and cron too: make each schedule by itself, got one"

order_fields = JobFields()


def read_jobs(value: Any) -> list[Document]:
    """The orders as texts and values, none of them checked yet; more than MAX_JOBS are refused while they are read."""
    if not isinstance(value, list):
        raise ValidationError(f"must be {JOBS_EXPECTED}, got {kind_of(value)}")
    if not value:
        raise ValidationError(f"must be {JOBS_EXPECTED}, got none")
    return value


class BatchFields(Strict):
    """What POST /jobs/batch takes."""

    documents = Listing(LISTING, MAX_JOBS)
    about = {"items": {"$ref": f"#/components/schemas/{JobFields.__name__}"}, "minItems": 1, "maxItems": MAX_JOBS}
    jobs = Must(JOBS_EXPECTED, read_jobs, "array", required=True, metadata=about)


@blueprint.route("/jobs/batch", methods=["POST"])
@blueprint.arguments(BatchFields())
@blueprint.response(201, shown_as.BatchResponse, description="What became of each order, in the order given.")
def create_batch(asked: dict[str, list[Document]]) -> Response:
    """Order up to 1,000 requests; a wrong one is told in its place and leaves the others alone."""
    documents = asked[LISTING]
    return respond_once({LISTING: [document.value for document in documents]}, lambda now: _create(documents, now))


def _create(documents: list[Document], now: int) -> tuple[int, str]:
    who, hop_count = caller(), hops()
    orders = [_order(document) for document in documents]
    new = [new_job(o, who.account_id, due_at(o, now), hop_count) for o in orders if isinstance(o, JobRequest)]
    made = iter(batches.create_each(new, now))
    texts = [
        error_text(o, request_id()) if isinstance(o, ApiError) else _shape(*next(made), who.user_id) for o in orders
    ]
    return 201, serializers.data_list(texts)


def _order(document: Document) -> JobRequest | ApiError:
    """The order that a document is, checked as one that comes alone, or what is wrong with it."""
    try:
        _refuse_large(document)
        refuse_faults(document)
        order: JobRequest = order_fields.load(fields_of(document))
        return invalid({"repeat_every": [NOT_RECURRING]}) if recurs(order) else order
    except ApiError as error:
        return error
    except ValidationError as error:
        return invalid(error.normalized_messages())


def _refuse_large(document: Document) -> None:
    """Among others a job may not be larger than it may be alone."""
    size, limit = len(document.text), settings().max_body_bytes
    if size * 4 > limit:  # only then can it have too many bytes
        size = len(document.text.encode("utf-8", "surrogatepass"))
    if size > limit:
        raise invalid({"": [f"must be at most {limit} bytes, got {size}"]})


def _shape(row: Any, made: bool, user_id: str) -> str:
    return serializers.job(row, user_id, has_conflict=not made)
