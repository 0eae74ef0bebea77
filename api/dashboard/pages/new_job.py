"""Owns the form that orders a job, once or again and again, empty or filled in from an old one."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import settings
from api.dashboard.blueprint import back_to, pages, visitor
from api.dashboard.job_form import EMPTY, UNITS, WAYS, flat, form_of
from api.dashboard.job_form_reading import order_of
from api.dashboard.pages.job import found
from api.dashboard.pages.schedules import too_many
from api.requests.job_fields import JobFields
from api.requests.job_requests import due_at, new_job
from api.requests.new_schedule import new_schedule, recurs
from models.jobs import job_store
from models.rules import clock
from models.rules.request_rules import METHODS
from models.schedules import schedule_changes
from models.schedules.schedule_changes import TooMany
from models.schedules.schedule_store import NewSchedule


@pages.get("/jobs/new")
def show_new_job() -> Response:
    """An empty form, or one filled in from the job that `from` names; `when`: the way of saying when that is chosen."""
    like, when = request.args.get("from", ""), request.args.get("when", "")
    form = {**form_of(found(like)), "from": like} if like else dict(EMPTY)
    return _form(form | ({"when": when} if when in WAYS else {}), {}, 200)


@pages.post("/jobs/new")
def create_job() -> Response:
    form = request.form.to_dict()
    try:
        order = order_of(JobFields(), form, found(form["from"]) if form.get("from") else None)
    except ValidationError as error:
        return _form(form, error.normalized_messages(), 422)
    now, account_id = clock.now(), visitor().account_id
    due = due_at(order, now)
    if recurs(order):
        return _made_schedule(new_schedule(order, account_id, due, now, 0), form, now)
    made, _ = job_store.create(new_job(order, account_id, due, 0), now)
    return back_to("show_job", "created", key=made.uuid)


def _made_schedule(new: NewSchedule, form: dict[str, str], now: int) -> Response:
    try:
        row, job, _ = schedule_changes.create(new, now, settings().max_schedules)
    except TooMany:
        return _form(form, {"": [too_many().message]}, 422)
    if row is None:  # a live job holds the order's idempotency key
        return back_to("show_job", "created", key=job.uuid)
    return back_to("show_schedule", "created", key=row.id)


def _form(form: dict[str, str], errors: dict[str, Any], status: int) -> Response:
    text = render_template("new_job.html", form=form, errors=flat(errors), units=UNITS, methods=METHODS)
    return make_response(text, status)
