"""Serves the form that changes a schedule."""

from contextlib import suppress
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import settings
from api.dashboard.blueprint import pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.forms.job_form import CHOICES, errors_by_field, form_of
from api.dashboard.forms.job_form_reader import form_to_show, read_job_form
from api.dashboard.forms.job_times import UNITS, form_times
from api.dashboard.forms.json_mode import MODE
from api.dashboard.pages.recurring.schedule import find_schedule, too_many_refused
from api.requests.job_requests import due_at
from api.requests.new_schedule import new_schedule
from api.requests.options.refusals import refusals
from api.responses.responses import ApiError
from api.routes.schedules import ScheduleFields
from api.routes.targets.group_orders import check_group
from models.jobs import replays
from models.rules import clock, recurrence
from models.rules.recurrence import UnknownFrequency
from models.rules.request_rules import METHODS
from models.schedules import schedule_changes
from models.schedules.calendars import calendar_store
from models.schedules.schedule_store import ScheduleRow


@pages.get("/schedules/<key>/edit")
def edit_schedule(key: str) -> Response:
    row = find_schedule(key)
    form = form_to_show({**form_of(row, replays.TIMES), **form_times(row.frequency)}, row)
    return schedule_form_page(row, form, {}, 200)


@pages.post("/schedules/<key>/edit")
def change_schedule(key: str) -> Response:
    """Replace the schedule's definition. Its state stays; its instants stay unless the frequency changes."""
    row, form, now = find_schedule(key), request.form.to_dict(), clock.now()
    try:
        job_request = read_job_form(ScheduleFields(), form, row)
    except ValidationError as error:
        return schedule_form_page(row, form, error.normalized_messages(), 422)
    new = new_schedule(job_request, visitor().account_id, due_at(job_request, now), now, 0, row.key)
    with suppress(UnknownFrequency):
        names = [calendar_store.names_in(frequency) for frequency in (new.frequency, row.frequency)]
        if names[0] == names[1] and recurrence.frequency_of(new.frequency) == recurrence.frequency_of(row.frequency):
            new = new._replace(frequency=row.frequency)  # the form may spell the same frequency in another way
    try:
        check_group(job_request, visitor().account_id)
        with refusals(), too_many_refused():
            changed = schedule_changes.replace(visitor().account_id, row.id, new, now, settings().max_schedules)
    except ApiError as error:
        return schedule_form_page(row, form, error.errors or {"": [error.message]}, 422)
    if changed is None:
        raise page_not_found()
    return redirect_to("show_schedule", "saved", key=row.id)


def schedule_form_page(row: ScheduleRow, form: dict[str, str], errors: dict[str, Any], status: int) -> Response:
    by_field = errors_by_field(errors, form.get(MODE, ""))
    text = render_template(
        "edit_schedule.html", schedule=row, form=form, errors=by_field, units=UNITS, methods=METHODS, choices=CHOICES
    )
    return make_response(text, status)
