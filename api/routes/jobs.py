"""Serves /jobs: ordering requests, looking at them and their attempts, changing, running and cancelling them."""

from typing import Any

from flask import Response
from marshmallow import ValidationError

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.request_log import name_job
from api.requests.hops import hops, traceparent
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import job_in_path
from api.requests.job_fields import JobChange, JobFields, refused_changes
from api.requests.job_filters import ExpandQuery, JobsQuery, filter_of
from api.requests.job_requests import JobRequest, changed_job, due_at, is_moved, new_job
from api.requests.new_schedule import new_schedule, recurs
from api.requests.options.refusals import refusals
from api.requests.paging import NEXT_HEADERS, page_response
from api.requests.reading.body import FORM, Fields, read_fields
from api.responses import expanded_jobs, schemas, serializers
from api.responses.attempts import Attempt, attempt
from api.responses.expanded_jobs import ExpandedJob
from api.responses.responses import ApiError, invalid, json_response, or_not_found, respond
from api.routes.targets.group_orders import check_group, is_for_group, jobs_for
from models.flows import orders, sets
from models.jobs import job_lists, job_store
from models.jobs.job_store import NewJob
from models.operations import cancelling, changing
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule

blueprint = Blueprint("jobs", __name__, description="Requests to be performed, and their fate.")


@blueprint.route("/jobs", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER], requestBody=schemas.FORM_BODY)
@blueprint.arguments(JobFields(), description=f"As JSON, or as {FORM}.")
@blueprint.response(201, schemas.OrderedResponse, description="The job; of a group, the list of its jobs.")
@blueprint.alt_response(
    200, schema=schemas.OrderedResponse, description="What was made for this key or window already."
)
def create_job(job_request: JobRequest) -> Response:
    """Order a request, at once or at a later time."""
    return respond_once(job_request.sent, lambda now: _create(job_request, now))


@blueprint.route("/jobs", methods=["GET"])
@blueprint.arguments(JobsQuery(), location="query")
@blueprint.response(200, schemas.list_of(ExpandedJob), headers=NEXT_HEADERS)
def list_jobs(query: dict[str, Any]) -> Response:
    """A page of jobs, newest first by default."""
    owner, page = caller(), query["page"]
    rows, end = job_lists.listed(owner.account_id, job_lists.settled(filter_of(query), page.order), page)
    texts = expanded_jobs.texts(owner.account_id, owner.user_id, rows, query.get("expand", ()))
    return page_response(serializers.data_list(texts), page.order, end)


@blueprint.route("/jobs/<key>", methods=["GET"])
@blueprint.arguments(ExpandQuery(), location="query")
@blueprint.response(200, schemas.single(ExpandedJob))
def get_job(query: dict[str, Any], key: str) -> Response:
    """One job, by its UUID or its integer."""
    owner = caller()
    row = or_not_found(job_store.find(owner.account_id, job_in_path(key)))
    [text] = expanded_jobs.texts(owner.account_id, owner.user_id, [row], query.get("expand", ()))
    return json_response(serializers.data(text))


@blueprint.route("/jobs/<key>", methods=["PATCH"])
@blueprint.doc(
    description="Takes fields of POST /jobs, each optional; null removes a field. 409 once an attempt has begun.",
    requestBody=schemas.body_of(JobChange),
)
@blueprint.response(200, schemas.single(schemas.Job))
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="It can't be changed any more.")
def change_job(key: str) -> Response:
    """Change a job that was not attempted yet."""
    owner, now, sent, passed = caller(), clock.now(), read_fields(), hops()

    def changed(row: job_store.JobRow, hops_before: int) -> NewJob:
        job_request = _changed_request(row, sent)
        due = due_at(job_request, now) if is_moved(sent) else row.scheduled_at
        return new_job(job_request, owner.account_id, due, max(passed, hops_before))

    try:
        row = changing.change(owner.account_id, job_in_path(key), list(sent), changed, now)
    except changing.NotChangeable as error:
        raise ApiError(409, str(error)) from None
    return _job_response(row)


def _changed_request(row: job_store.JobRow, sent: Fields) -> JobRequest:
    errors = refused_changes(sent)
    try:
        job_request: JobRequest = JobFields().load(changed_job(row, sent))
    except ValidationError as error:
        raise invalid(errors | error.normalized_messages()) from None
    if errors:
        raise invalid(errors)
    return job_request


@blueprint.route("/jobs/<key>/cancel", methods=["POST"])
@blueprint.response(200, schemas.single(schemas.Job))
def cancel_job(key: str) -> Response:
    """Cancel a job; a final one stays as it is. A request that was sent already can't be undone."""
    return _job_response(cancelling.cancel(caller().account_id, job_in_path(key), clock.now()))


@blueprint.route("/jobs/<key>/run-now", methods=["POST"])
@blueprint.doc(description="The same job: a new one is made by /jobs/{id}/retry. 409 unless it waits.")
@blueprint.response(200, schemas.single(schemas.Job))
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="It does not wait.")
def run_job_now(key: str) -> Response:
    """Make a job that waits due now: its first attempt, or the next one after a failure."""
    try:
        return _job_response(changing.run_now(caller().account_id, job_in_path(key), clock.now()))
    except changing.NotChangeable as error:
        raise ApiError(409, str(error)) from None


@blueprint.route("/jobs/<key>", methods=["DELETE"])
@blueprint.response(200, schemas.single(schemas.Job))
def delete_job(key: str) -> Response:
    """Cancel a job, as the route that is named so does; nothing is deleted."""
    return cancel_job(key)


@blueprint.route("/jobs/<key>/attempts", methods=["GET"])
@blueprint.response(200, schemas.list_of(Attempt))
def list_attempts(key: str) -> Response:
    """Every attempt of a job, first to last."""
    rows = or_not_found(job_store.attempts_of(caller().account_id, job_in_path(key)))
    return respond({"data": [attempt(row) for row in rows]})


def _create(job_request: JobRequest, now: int) -> tuple[int, str]:
    owner, due = caller(), due_at(job_request, now)
    if is_for_group(job_request):
        return _create_set(job_request, due, now)
    if recurs(job_request):
        check_group(job_request, owner.account_id)
        row, created = _create_recurring(new_schedule(job_request, owner.account_id, due, now, hops()), now)
    else:
        row, created = orders.create(new_job(job_request, owner.account_id, due, hops(), traceparent()), now)
    name_job(row.id)
    return 201 if created else 200, serializers.data(serializers.job(row, owner.user_id, has_conflict=not created))


def _create_set(job_request: JobRequest, due: int, now: int) -> tuple[int, str]:
    """Make a job for each target of a group, or answer those that were made for the same key or window."""
    owner = caller()
    rows, created = sets.create(jobs_for(job_request, owner.account_id, due), now)
    name_job(rows[0].id)
    texts = [serializers.job(row, owner.user_id, has_conflict=not created) for row in rows]
    return 201 if created else 200, serializers.data_list(texts)


def _create_recurring(new: NewSchedule, now: int) -> tuple[job_store.JobRow, bool]:
    with refusals():
        _, row, created = schedule_changes.create(new, now, settings().max_schedules)
    return row, created


def _job_response(row: job_store.JobRow | None) -> Response:
    return json_response(serializers.data(serializers.job(or_not_found(row), caller().user_id)))
