"""Serves the page of one schedule: its last instants, its request and state; runs, disables, enables and deletes it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Response, make_response, render_template, request
from marshmallow import ValidationError

from api.context import settings
from api.dashboard.blueprint import is_part, pages, redirect_to, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.filters import body_text
from api.dashboard.labels import RUN_RESULTS
from api.dashboard.query import problems_of
from api.dashboard.reader_times import ZONE, load
from api.dashboard.timelines.timeline_values import timeline_values
from api.requests.ids import uuid_key
from api.requests.options.refusals import backfill_refusals
from api.requests.schedule_fields import not_computable
from api.responses.responses import ApiError
from api.responses.schedule_health import health
from api.routes.recurring.backfills import BackfillFields
from models.rules import clock, recurrence
from models.schedules import run_results, schedule_changes, schedule_store
from models.schedules.backfills import backfill_store
from models.schedules.calendars import calendar_store
from models.schedules.health import state_of
from models.schedules.run_results import FAILED, GOOD
from models.schedules.schedule_changes import NotComputable, TooMany
from models.schedules.schedule_store import ScheduleRow

BACKFILLS_SHOWN = 5
RANGE = ("from", "to")  # of a backfill


@pages.get("/schedules/<key>")
def show_schedule(key: str) -> Response:
    return _page(find_schedule(key), [], 200)


def _page(row: ScheduleRow, problems: list[str], status: int) -> Response:
    """`problems`: what is wrong with the form of a backfill, which is shown as it was filled in."""
    runs = run_results.latest(visitor().account_id, [row.id]).get(row.id, [])
    text = render_template(
        "schedule.html",
        schedule=row,
        args=json.loads(row.args),
        body=body_text(row),
        frequency=recurrence.description_of(row.frequency),
        calendars=calendar_store.names_in(row.frequency),
        firings=runs,
        health=health(row, runs),
        good=sum(run.status in GOOD for run in runs),
        ended=sum(run.status in (*GOOD, FAILED) for run in runs),
        run_statuses=RUN_RESULTS,
        **({} if is_part() else timeline_values("show_schedule", {"schedule": row.id}, key=row.id)),
        backfills=backfill_store.listed(visitor().account_id, row.id, BACKFILLS_SHOWN),
        problems=problems,
        typed=request.form,
    )
    return make_response(text, status)


@pages.post("/schedules/<key>/disable")
def disable_schedule(key: str) -> Response:
    schedule = find_schedule(key)
    schedule_changes.disable(visitor().account_id, schedule.id, clock.now())
    return redirect_to("show_schedule", "disabled" if schedule.disabled_at is None else "was_disabled", key=schedule.id)


@pages.post("/schedules/<key>/enable")
def enable_schedule(key: str) -> Response:
    schedule = find_schedule(key)
    try:
        with too_many_refused():
            row = schedule_changes.enable(visitor().account_id, schedule.id, clock.now(), settings().max_schedules)
    except NotComputable:
        raise not_computable() from None
    return redirect_to("show_schedule", state_of(row or schedule), key=schedule.id)


@pages.post("/schedules/<key>/fire")
def fire_schedule(key: str) -> Response:
    """Create a job at once, besides those of the schedule's instants, and show it."""
    job = schedule_changes.fire_now(visitor().account_id, find_schedule(key).id, clock.now())
    if job is None:
        raise page_not_found()
    return redirect_to("show_job", "fired", key=job.uuid)


@pages.post("/schedules/<key>/backfill")
def backfill_schedule(key: str) -> Response:
    """Make up for the instants of a past range."""
    schedule = find_schedule(key)
    try:
        values = load(BackfillFields(), {name: request.form.get(name, "") for name in (*RANGE, ZONE)}, RANGE)
        with backfill_refusals():
            backfill_store.create(visitor().account_id, schedule.id, values["from"], values["to"], clock.now())
    except ValidationError as error:
        return _page(schedule, problems_of(error), 422)
    except ApiError as error:
        texts = problems_of(ValidationError(error.errors)) if error.errors else [error.message]
        return _page(schedule, texts, error.status)
    return redirect_to("show_schedule", "backfill", key=schedule.id)


@pages.post("/backfills/<key>/cancel")
def cancel_backfill(key: str) -> Response:
    uuid, now = uuid_key(key), clock.now()
    row = backfill_store.cancel(visitor().account_id, uuid, now) if uuid else None
    if row is None:
        raise page_not_found()
    is_cancelled = (row.state, row.ended_at) == (backfill_store.CANCELLED, now)
    return redirect_to("show_schedule", "cancelled" if is_cancelled else "backfill_over", key=row.schedule_id)


@pages.post("/schedules/<key>/delete")
def delete_schedule(key: str) -> Response:
    schedule_changes.delete(visitor().account_id, find_schedule(key).id, clock.now())
    return redirect_to("list_schedules", "deleted")


def find_schedule(key: str) -> ScheduleRow:
    """The visitor's schedule with this UUID, or 404."""
    uuid = uuid_key(key)
    row = schedule_store.find(visitor().account_id, uuid) if uuid else None
    if row is None:
        raise page_not_found()
    return row


@contextmanager
def too_many_refused() -> Iterator[None]:
    """Says what to do where the account has as many enabled schedules as it may have."""
    try:
        yield
    except TooMany:
        limit = settings().max_schedules
        text = f"An account may have at most {limit} enabled schedules. Disable another one first."
        raise ApiError(422, text) from None
