"""Serves the change between the two modes of the job form. What was typed is kept, and nothing is created."""

from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from api.dashboard.blueprint import pages
from api.dashboard.forms.job_form_reader import read_job_form, read_members
from api.dashboard.forms.json_mode import JSON, MODE, form_of_request, written
from api.dashboard.pages.job import find_job
from api.dashboard.pages.new_job import form_page
from api.dashboard.pages.recurring.edit_schedule import schedule_form_page
from api.dashboard.pages.recurring.schedule import find_schedule
from api.requests.job_fields import JobFields
from api.routes.schedules import ScheduleFields

KEPT = ("from",)


@pages.post("/jobs/new/mode")
def switch_new_job() -> Response:
    form = request.form.to_dict()
    original = find_job(form["from"]) if form.get("from") else None
    form, errors = switched(JobFields(), form, original)
    return form_page(form, errors, 422 if errors else 200)


@pages.post("/schedules/<key>/edit/mode")
def switch_schedule(key: str) -> Response:
    row = find_schedule(key)
    form, errors = switched(ScheduleFields(), request.form.to_dict(), row)
    return schedule_form_page(row, form, errors, 422 if errors else 200)


def switched(schema: JobFields, form: dict[str, str], original: Any) -> tuple[dict[str, str], dict[str, Any]]:
    """The form in its other mode; as it was and with what is wrong where it can't be."""
    kept = {name: form[name] for name in KEPT if form.get(name)}
    try:
        if form.get(MODE) != JSON:
            return {**kept, MODE: JSON, JSON: written(read_members(form, original))}, {}
        return {**form_of_request(read_job_form(schema, form, original)), **kept}, {}
    except ValidationError as error:
        return form, error.normalized_messages()
