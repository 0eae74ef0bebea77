"""Owns the routes under /jobs: ordering requests, looking at them, cancelling them."""

from typing import Any

from flask import Response, request

from api import answer_schemas as shown_as
from api import shapes
from api.answers import answer, invalid, json_answer, not_found
from api.auth import caller, require_key
from api.blueprint import Blueprint
from api.fields import Strict, one_of, order_by, shown, whole_in_query
from api.ids import job_key
from api.order_fields import KEY_EXPECTED, OrderFields, due_at, read_key
from api.orders import Order, fingerprint, new_job
from api.reading import FORM
from api.schedule_fields import too_many
from api.schedule_orders import new_schedule, recurs
from api.wiring import settings
from models import clock, idempotent_requests, jobs, schedules
from models.idempotent_requests import KeyReused
from models.lifecycle import STATES
from models.schedules import NewSchedule

blueprint = Blueprint("jobs", __name__, url_prefix="/api", description="Requests to be performed, and their fate.")
blueprint.before_request(require_key)

NEWEST_FIRST = ("inserted_at", "desc")
KEY_HEADER = "Idempotency-Key"
HOP_HEADER = "Booper-Hop"
MAX_HOPS = 5


class JobsQuery(Strict):
    """What GET /jobs takes."""

    state = one_of(STATES, ", ".join(STATES))
    kind = one_of(jobs.KINDS, ", ".join(jobs.KINDS), load_default=jobs.KINDS[0])
    limit = whole_in_query(1, 100, load_default=10)
    offset = whole_in_query(0, 10**9, load_default=0)
    order_by = order_by(jobs.ORDERS, ", ".join(jobs.ORDERS), load_default=NEWEST_FIRST)


@blueprint.route("/jobs", methods=["POST"])
@blueprint.arguments(OrderFields(), content_type="application/json", description=f"As JSON, or as {FORM}.")
@blueprint.response(201, shown_as.JobAnswer, description="The job; 200 when one with its idempotency key was live.")
def create(order: Order) -> Response:
    """Order a request, at once or at a later time."""
    key = request.headers.get(KEY_HEADER)
    if key is not None:
        return _create_once(_checked_key(key), order)
    status, text = _create(order, clock.now())
    return json_answer(text, status)


@blueprint.route("/jobs", methods=["GET"])
@blueprint.arguments(JobsQuery(), location="query")
@blueprint.response(200, shown_as.JobsAnswer)
def list_jobs(asked: dict[str, Any]) -> Response:
    """A page of jobs, newest first unless asked otherwise."""
    who, page = caller(), (asked["limit"], asked["offset"])
    rows = jobs.listed(who.account_id, asked["kind"], asked.get("state"), asked["order_by"], *page)
    return json_answer(shapes.data_list([shapes.job(row, who.user_id) for row in rows]))


@blueprint.route("/jobs/<key>", methods=["GET"])
@blueprint.response(200, shown_as.JobAnswer)
def get_job(key: str) -> Response:
    """One job, by its UUID or its integer."""
    return _found(jobs.find(caller().account_id, _checked_id(key)))


@blueprint.route("/jobs/<key>/cancel", methods=["POST"])
@blueprint.response(200, shown_as.JobAnswer)
def cancel_job(key: str) -> Response:
    """Cancel a job; one that is final stays as it is. A request already sent is not undone."""
    return _found(jobs.cancel(caller().account_id, _checked_id(key), clock.now()))


@blueprint.route("/jobs/<key>", methods=["DELETE"])
@blueprint.response(200, shown_as.JobAnswer)
def delete_job(key: str) -> Response:
    """The same as cancelling it."""
    return _found(jobs.cancel(caller().account_id, _checked_id(key), clock.now()))


@blueprint.route("/jobs/<key>/attempts", methods=["GET"])
@blueprint.response(200, shown_as.AttemptsAnswer)
def list_attempts(key: str) -> Response:
    """Every attempt of a job, first to last."""
    rows = jobs.attempts_of(caller().account_id, _checked_id(key))
    if rows is None:
        raise not_found()
    return answer({"data": [shapes.attempt(row) for row in rows]})


def _create(order: Order, now: int) -> tuple[int, str]:
    who, due = caller(), due_at(order, now)
    if recurs(order):
        row, made = _create_recurring(new_schedule(order, who.account_id, due, now, hops()), now)
    else:
        row, made = jobs.create(new_job(order, who.account_id, due, hops()), now)
    return 201 if made else 200, shapes.data(shapes.job(row, who.user_id, has_conflict=not made))


def _create_recurring(new: NewSchedule, now: int) -> tuple[jobs.JobRow, bool]:
    try:
        _, row, made = schedules.create(new, now, settings().max_schedules)
    except schedules.TooMany:
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


def _create_once(key: str, order: Order) -> Response:
    now, account_id = clock.now(), caller().account_id
    try:
        kept = idempotent_requests.answer_once(
            account_id, key, fingerprint(order.sent), now, lambda: _create(order, now)
        )
    except KeyReused:
        message = "must be a new key for a request with other fields, got one used within the last 24 hours"
        raise invalid({KEY_HEADER: [message]}) from None
    return json_answer(kept.text, kept.status_code, {"Idempotent-Replayed": "true"} if kept.replayed else None)


def _checked_key(key: str) -> str:
    try:
        return read_key(key)
    except ValueError:
        raise invalid({KEY_HEADER: [f"must be {KEY_EXPECTED}, got {shown(key)}"]}) from None


def _checked_id(text: str) -> int | str:
    key = job_key(text)
    if key is None:
        raise not_found()
    return key


def _found(row: jobs.JobRow | None) -> Response:
    if row is None:
        raise not_found()
    return json_answer(shapes.data(shapes.job(row, caller().user_id)))
