"""Serves what is done with a form before it is sent: its commands, when its retries come, and a test of its request."""

from flask import Response, render_template, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages
from api.dashboard.forms.job_form_reader import read_job_form, read_retries
from api.dashboard.forms.json_mode import once_now
from api.dashboard.forms.snippets import snippets
from api.dashboard.pages.job import find_job
from api.dashboard.pages.new_job import form_page, order
from api.dashboard.query import problems_of
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest
from api.responses.responses import ApiError
from models.jobs.job_store import JobRow, NewJob
from models.rules import backoff, clock

DELAYS_SHOWN = 8
MEAN_FRACTION = 0.5  # jitter as it is on average
DEFAULT_ATTEMPTS: int = NewJob._field_defaults["max_attempts"]


@pages.post("/jobs/new/commands")
def show_commands() -> str:
    """A part of a page: what makes the job or the schedule of the form elsewhere. Nothing is created."""
    try:
        job_request = read_job_form(JobFields(), request.form.to_dict(), _original())
    except ValidationError as error:
        return render_template("snippets.html", problems=problems_of(error))
    return render_template("snippets.html", snippets=snippets(job_request.sent, request.root_url.rstrip("/")))


@pages.get("/jobs/preview/retries")
def preview_retries() -> str:
    """A part of a page: the delays between the attempts."""
    try:
        job_request: JobRequest = JobFields().load(read_retries(request.args.to_dict()))
    except ValidationError as error:
        return render_template("retries.html", problems=problems_of(error))
    most = job_request.values.get("max_attempts") or DEFAULT_ATTEMPTS
    policy = job_request.values.get("backoff")
    delays = [backoff.delay_us(policy, number, MEAN_FRACTION) for number in range(1, most)]
    return render_template("retries.html", delays=delays, shown=DELAYS_SHOWN)


@pages.post("/jobs/test")
def send_test() -> Response:
    """Send the request of the form once and now, whatever else the form says of times and attempts."""
    form = request.form.to_dict()
    try:
        job_request = read_job_form(JobFields(), once_now(form), _original())
    except ValidationError as error:
        return form_page(form, error.normalized_messages(), 422)
    try:
        return order(job_request, clock.now(), "tested")
    except ApiError as error:
        return form_page(form, error.errors or {"": [error.message]}, 422)


def _original() -> JobRow | None:
    return find_job(request.form["from"]) if request.form.get("from") else None
