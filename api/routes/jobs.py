"""Owns the routes under /jobs: ordering requests, looking at them, cancelling them."""

from typing import Any

from flask import Response, request

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.request_log import name_job
from api.requests.body import FORM
from api.requests.fields import shown
from api.requests.idempotency import respond_once
from api.requests.ids import job_key
from api.requests.job_fields import JobFields, due_at
from api.requests.job_filters import JobsQuery, filter_of
from api.requests.job_requests import JobRequest, new_job
from api.requests.new_schedule import new_schedule, recurs
from api.requests.paging import NEXT_HEADERS, page_response
from api.requests.schedule_fields import too_many
from api.responses import schemas as shown_as
from api.responses import serializers
from api.responses.responses import invalid, json_response, not_found, respond
from models.jobs import job_lists, job_store
from models.operations import cancelling
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule

blueprint = Blueprint("jobs", __name__, description="Requests to be performed, and their fate.")

HOP_HEADER = "Booper-Hop"
MAX_HOPS = 5


@blueprint.route("/jobs", methods=["POST"])
@blueprint.arguments(JobFields(), description=f"As JSON, or as {FORM}.")
@blueprint.response(201, shown_as.JobResponse, description="The job; 200 when one with its idempotency key was live.")
def create(order: JobRequest) -> Response:
    """Order a request, at once or at a later time."""
    return respond_once(order.sent, lambda now: _create(order, now))


@blueprint.route("/jobs", methods=["GET"])
@blueprint.arguments(JobsQuery(), location="query")
@blueprint.response(200, shown_as.JobsResponse, headers=NEXT_HEADERS)
def list_jobs(asked: dict[str, Any]) -> Response:
    """A page of jobs, newest first unless asked otherwise."""
    who, page = caller(), asked["page"]
    rows, end = job_lists.listed(who.account_id, filter_of(asked), page)
    return page_response(serializers.data_list([serializers.job(row, who.user_id) for row in rows]), page.order, end)


@blueprint.route("/jobs/<key>", methods=["GET"])
@blueprint.response(200, shown_as.JobResponse)
def get_job(key: str) -> Response:
    """One job, by its UUID or its integer."""
    return _found(job_store.find(caller().account_id, _checked_id(key)))


@blueprint.route("/jobs/<key>/cancel", methods=["POST"])
@blueprint.response(200, shown_as.JobResponse)
def cancel_job(key: str) -> Response:
    """Cancel a job; one that is final stays as it is. A request already sent is not undone."""
    return _found(cancelling.cancel(caller().account_id, _checked_id(key), clock.now()))


@blueprint.route("/jobs/<key>", methods=["DELETE"])
@blueprint.response(200, shown_as.JobResponse)
def delete_job(key: str) -> Response:
    """The same as cancelling it."""
    return _found(cancelling.cancel(caller().account_id, _checked_id(key), clock.now()))


@blueprint.route("/jobs/<key>/attempts", methods=["GET"])
@blueprint.response(200, shown_as.AttemptsResponse)
def list_attempts(key: str) -> Response:
    """Every attempt of a job, first to last."""
    rows = job_store.attempts_of(caller().account_id, _checked_id(key))
    if rows is None:
        raise not_found()
    return respond({"data": [serializers.attempt(row) for row in rows]})


def _create(order: JobRequest, now: int) -> tuple[int, str]:
    who, due = caller(), due_at(order, now)
    if recurs(order):
        row, made = _create_recurring(new_schedule(order, who.account_id, due, now, hops()), now)
    else:
        row, made = job_store.create(new_job(order, who.account_id, due, hops()), now)
    name_job(row.id)
    return 201 if made else 200, serializers.data(serializers.job(row, who.user_id, has_conflict=not made))


def _create_recurring(new: NewSchedule, now: int) -> tuple[job_store.JobRow, bool]:
    try:
        _, row, made = schedule_changes.create(new, now, settings().max_schedules)
    except schedule_changes.TooMany:
        raise too_many() from None
    return row, made


def hops() -> int:
    """Through how many jobs this request came; 422 when they are so many that it must be a loop."""
    text = request.headers.get(HOP_HEADER, "0")
    count = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else MAX_HOPS
    if count >= MAX_HOPS:
        message = f"must be a number below {MAX_HOPS}: schedulers ordering from one another loop, got {shown(text)}"
        raise invalid({HOP_HEADER: [message]})
    return count


def _checked_id(text: str) -> int | str:
    key = job_key(text)
    if key is None:
        raise not_found()
    return key


def _found(row: job_store.JobRow | None) -> Response:
    if row is None:
        raise not_found()
    return json_response(serializers.data(serializers.job(row, caller().user_id)))
