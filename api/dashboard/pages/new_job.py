"""Serves the form that creates a job or a schedule, empty or filled in from an old job."""

from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import settings
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.forms.job_form import CHOICES, EMPTY, errors_by_field, form_of
from api.dashboard.forms.job_form_reader import form_to_show, read_job_form
from api.dashboard.forms.job_times import UNITS, WAYS
from api.dashboard.forms.json_mode import MODE
from api.dashboard.pages.job import find_job
from api.dashboard.pages.recurring.schedule import too_many_refused
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest, due_at, new_job
from api.requests.new_schedule import new_schedule, recurs
from api.requests.options.refusals import refusals
from api.responses.responses import ApiError
from api.routes.targets.group_orders import check_group, is_for_group, jobs_for
from models.flows import orders, sets
from models.rules import clock
from models.rules.request_rules import METHODS
from models.schedules import schedule_changes


@pages.get("/jobs/new")
def show_new_job() -> Response:
    """`from` names the job to fill the form in from; `when` the way to say when that is selected."""
    original, when = request.args.get("from", ""), request.args.get("when", "")
    form = dict(EMPTY)
    if original:
        form = form_to_show(form_of(job := find_job(original)), job) | {"from": original}
    return form_page(form | ({"when": when} if when in WAYS else {}), {}, 200)


@pages.post("/jobs/new")
def create_job() -> Response:
    form = request.form.to_dict()
    try:
        job_request = read_job_form(JobFields(), form, find_job(form["from"]) if form.get("from") else None)
    except ValidationError as error:
        return form_page(form, error.normalized_messages(), 422)
    now = clock.now()
    try:
        return _create_schedule(job_request, now) if recurs(job_request) else order(job_request, now, "created")
    except ApiError as error:
        return form_page(form, error.errors or {"": [error.message]}, 422)


def order(job_request: JobRequest, now: int, note: str) -> Response:
    """Make the job, or one for each target of the group; shows it, or them. Raises ApiError for a group that there is
    not."""
    account_id, due = visitor().account_id, due_at(job_request, now)
    if is_for_group(job_request):
        sets.create(jobs_for(job_request, account_id, due), now)
        return redirect_to("list_jobs")
    job, made = orders.create(new_job(job_request, account_id, due, 0), now)
    return redirect_to("show_job", note if made else "known", key=job.uuid)


def _create_schedule(job_request: JobRequest, now: int) -> Response:
    account_id = visitor().account_id
    check_group(job_request, account_id)
    new = new_schedule(job_request, account_id, due_at(job_request, now), now, 0)
    with refusals(), too_many_refused():
        row, job, _ = schedule_changes.create(new, now, settings().max_schedules)
    if row is None:  # a live job has the idempotency key of the request
        return redirect_to("show_job", "known", key=job.uuid)
    return redirect_to("show_schedule", "created", key=row.id)


def form_page(form: dict[str, str], errors: dict[str, Any], status: int) -> Response:
    by_field = errors_by_field(errors, form.get(MODE, ""))
    return make_response(
        render_template(
            "new_job.html",
            form=form,
            errors=by_field,
            units=UNITS,
            methods=METHODS,
            choices=CHOICES,
            readers_zone=form == EMPTY | {"when": form.get("when")},
        ),
        status,
    )
