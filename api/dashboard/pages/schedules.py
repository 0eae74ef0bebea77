"""Owns the pages of schedules: the list with what came of each one's last instants, one schedule, and its form."""

import json
from typing import Any

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import settings
from api.dashboard.blueprint import back_to, gone, pages, visitor
from api.dashboard.job_form import UNITS, flat, form_of
from api.dashboard.job_form_reading import order_of
from api.requests.ids import uuid_key
from api.requests.job_requests import due_at
from api.requests.new_schedule import new_schedule
from api.responses.responses import ApiError
from api.routes.schedules import ScheduleFields
from models.database.paging import NEWEST_FIRST
from models.jobs import replays
from models.rules import clock, recurrence
from models.rules.request_rules import METHODS
from models.schedules import firing_rows, schedule_changes, schedule_store
from models.schedules.schedule_changes import TooMany
from models.schedules.schedule_store import ScheduleRow

SHOWN = 25
LATEST_FIRST = ("fire_at", "desc")
LETTERS = {  # one for each status of an instant, so that colour is not all that tells them apart
    "fired": "✓",
    "late": "L",
    "skipped_overlap": "o",
    "skipped_misfire": "s",
    "missed_down": "!",
    "disabled": "–",
    "cancelled": "×",
}


@pages.get("/schedules")
def list_schedules() -> str:
    page = number(request.args.get("page", "0"))
    rows = schedule_store.listed(visitor().account_id, NEWEST_FIRST, SHOWN + 1, page * SHOWN)
    shown = rows[:SHOWN]
    return render_template(
        "schedules.html",
        schedules=shown,
        words={row.id: in_words(row) for row in shown},
        strips=firing_rows.latest([row.id for row in shown]),
        letters=LETTERS,
        page=page,
        more=len(rows) > SHOWN,
    )


@pages.get("/schedules/<key>")
def show_schedule(key: str) -> str:
    row = found(key)
    return render_template(
        "schedule.html",
        schedule=row,
        args=json.loads(row.args),
        body=None if row.body is None else bytes(row.body).decode("utf-8", "replace"),
        words=in_words(row),
        strip_rows=firing_rows.latest([row.id]).get(row.id, []),
        letters=LETTERS,
    )


@pages.post("/schedules/<key>/disable")
def disable_schedule(key: str) -> Response:
    schedule_changes.disable(visitor().account_id, found(key).id, clock.now())
    return back_to("show_schedule", "disabled", key=found(key).id)


@pages.post("/schedules/<key>/enable")
def enable_schedule(key: str) -> Response:
    try:
        schedule_changes.enable(visitor().account_id, found(key).id, clock.now(), settings().max_schedules)
    except TooMany:
        raise too_many() from None
    return back_to("show_schedule", "enabled", key=found(key).id)


@pages.post("/schedules/<key>/fire")
def fire_schedule(key: str) -> Response:
    """Make a job at once, besides those of its instants; the job's page comes next."""
    made = schedule_changes.fire_now(visitor().account_id, found(key).id, clock.now())
    if made is None:
        raise gone()
    return back_to("show_job", "fired", key=made.uuid)


@pages.post("/schedules/<key>/delete")
def delete_schedule(key: str) -> Response:
    schedule_changes.delete(visitor().account_id, found(key).id, clock.now())
    return back_to("list_schedules", "deleted")


@pages.get("/schedules/<key>/edit")
def edit_schedule(key: str) -> Response:
    row = found(key)
    return _form(row, {**form_of(row, replays.TIMES), **times_of(row)}, {}, 200)


@pages.post("/schedules/<key>/edit")
def change_schedule(key: str) -> Response:
    """Give the schedule the form's definition; it keeps its state, and its instants unless the frequency changes."""
    row, form, now = found(key), request.form.to_dict(), clock.now()
    try:
        order = order_of(ScheduleFields(), form, row)
    except ValidationError as error:
        return _form(row, form, error.normalized_messages(), 422)
    new = new_schedule(order, visitor().account_id, due_at(order, now), now, 0, row.key)
    if recurrence.frequency_of(new.frequency) == recurrence.frequency_of(row.frequency):
        new = new._replace(frequency=row.frequency)  # the form spells it in its own way; its instants stay
    if schedule_changes.replace(visitor().account_id, row.id, new, now) is None:
        raise gone()
    return back_to("show_schedule", "saved", key=row.id)


def found(key: str) -> ScheduleRow:
    """The visitor's schedule of this UUID, or 404."""
    known = uuid_key(key)
    row = schedule_store.find(visitor().account_id, known) if known else None
    if row is None:
        raise gone()
    return row


def in_words(row: ScheduleRow) -> str:
    return recurrence.description(recurrence.frequency_of(row.frequency))


def times_of(row: ScheduleRow) -> dict[str, str]:
    """The frequency as the form's fields."""
    told: dict[str, Any] = json.loads(row.frequency)
    if "cron" in told:
        return {"when": "cron", "cron": told["cron"], "timezone": told.get("timezone", "")}
    every = told["repeat_every"]
    amount, unit = every if isinstance(every, list) else (every, "seconds")
    return {"when": "every", "every": str(amount), "every_unit": unit if unit.endswith("s") else f"{unit}s"}


def too_many() -> ApiError:
    most = settings().max_schedules
    return ApiError(422, f"An account may have at most {most} enabled schedules; disable another one first.")


def number(text: str) -> int:
    """The number of a page, 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _form(row: ScheduleRow, form: dict[str, str], errors: dict[str, Any], status: int) -> Response:
    text = render_template(
        "edit_schedule.html",
        schedule=row,
        form=form,
        errors=flat(errors),
        units=UNITS,
        methods=METHODS,
    )
    return make_response(text, status)
