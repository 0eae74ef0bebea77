"""Owns the routes under /schedules: making, looking at, changing, disabling and enabling what makes jobs."""

import re
from contextlib import suppress
from typing import Any

from flask import Response
from marshmallow import ValidationError, validates_schema

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.requests.body import FORM, Fields, read_fields
from api.requests.fields import Must, Strict, one_of, order_by, shown, whole_in_query
from api.requests.ids import uuid_key
from api.requests.job_fields import JobFields, due_at
from api.requests.job_requests import JobRequest
from api.requests.new_schedule import changed, frequency, misplaced, new_schedule
from api.requests.schedule_fields import (
    RecurringFields,
    read_cron,
    read_from,
    read_spelled_interval,
    read_zone,
    too_many,
)
from api.responses import schemas as shown_as
from api.responses import serializers
from api.responses.responses import ApiError, invalid, json_response, not_found, respond
from api.responses.timestamps import seconds_utc
from api.routes.jobs import hops
from models.database.paging import NEWEST_FIRST
from models.rules import clock, recurrence, times
from models.schedules import firing_rows, schedule_changes, schedule_store
from models.schedules.schedule_changes import Overtaken, TooMany
from models.schedules.schedule_store import NewSchedule, ScheduleRow

blueprint = Blueprint("schedules", __name__, description="What makes jobs, again and again.")

LATEST_FIRST = ("fire_at", "desc")
CHANGES_TRIED = 20
KEY_EXPECTED = "up to 100 letters, digits, `.`, `_` or `-`, a letter or digit first, no UUID and not `preview`"

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ScheduleFields(JobFields):
    """What POST /schedules takes: an order that recurs."""

    class Meta(Strict.Meta):
        exclude = ("idempotency_key",)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_recurs(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:  # noqa: ARG002
        if sent.get("repeat_every") is None and sent.get("cron") is None:
            raise ValidationError("must be given, or cron, got neither", "repeat_every")


class SchedulesQuery(Strict):
    """What GET /schedules takes."""

    limit = whole_in_query(1, 100, load_default=10)
    offset = whole_in_query(0, 10**9, load_default=0)
    order_by = order_by(schedule_store.ORDERS, ", ".join(schedule_store.ORDERS), load_default=NEWEST_FIRST)


class FiringsQuery(Strict):
    """What GET /schedules/{id}/runs takes."""

    status = one_of(firing_rows.STATUSES, ", ".join(firing_rows.STATUSES))
    limit = whole_in_query(1, 100, load_default=10)
    offset = whole_in_query(0, 10**9, load_default=0)
    order_by = order_by(firing_rows.ORDERS, ", ".join(firing_rows.ORDERS), load_default=LATEST_FIRST)


class PreviewQuery(RecurringFields):
    """What GET /schedules/preview takes."""

    class Meta(Strict.Meta):
        fields = ("repeat_every", "cron", "timezone", "from", "count")

    repeat_every = Must("seconds, or a number and a unit such as 5,minutes", read_spelled_interval, "string")
    cron = Must("five cron fields", read_cron, "string")
    timezone = Must("the name of an IANA time zone", read_zone, "string")
    count = whole_in_query(1, 100, load_default=10)


PreviewQuery._declared_fields["from"] = Must("a date and time, or a Unix timestamp", read_from, "string")


@blueprint.route("/schedules", methods=["POST"])
@blueprint.arguments(ScheduleFields(), description=f"As JSON, or as {FORM}.")
@blueprint.response(201, shown_as.ScheduleResponse)
def create(order: JobRequest) -> Response:
    """Make a schedule and its first job."""
    now = clock.now()
    try:
        row, _, _ = schedule_changes.create(_new(order, now), now, settings().max_schedules)
    except TooMany:
        raise too_many() from None
    return _found(row, 201)


@blueprint.route("/schedules", methods=["GET"])
@blueprint.arguments(SchedulesQuery(), location="query")
@blueprint.response(200, shown_as.SchedulesResponse)
def list_schedules(asked: dict[str, Any]) -> Response:
    """A page of schedules, newest first unless asked otherwise."""
    who = caller()
    rows = schedule_store.listed(who.account_id, asked["order_by"], asked["limit"], asked["offset"])
    return json_response(serializers.data_list([serializers.schedule(row, who.user_id) for row in rows]))


@blueprint.route("/schedules/preview", methods=["GET"])
@blueprint.arguments(PreviewQuery(), location="query")
@blueprint.response(200, shown_as.PreviewResponse)
def preview(asked: dict[str, Any]) -> Response:
    """The next instants of a frequency, and the frequency in words."""
    if asked.get("repeat_every") is None and asked.get("cron") is None:
        raise invalid({"cron": ["must be given, or repeat_every, got neither"]})
    told, at = frequency(asked), asked.get("from", clock.now())
    instants: list[int] = []
    while len(instants) < asked["count"] and (at := recurrence.next_after(told, at)) is not None:
        instants.append(at)
    texts = [
        seconds_utc(instant) if instant % clock.SECOND == 0 else times.format_instant(instant) for instant in instants
    ]
    return respond({"data": {"instants": texts, "description": recurrence.description(told)}})


@blueprint.route("/schedules/<key>", methods=["GET"])
@blueprint.response(200, shown_as.ScheduleResponse)
def get_schedule(key: str) -> Response:
    """One schedule, by its UUID or its key."""
    return _found(schedule_store.find(caller().account_id, _checked(key)))


@blueprint.route("/schedules/<key>", methods=["PUT"])
@blueprint.arguments(ScheduleFields(), description=f"As JSON, or as {FORM}.")
@blueprint.response(200, shown_as.ScheduleResponse, description="The schedule as it is now; 201 when it was made.")
def put_schedule(order: JobRequest, key: str) -> Response:
    """Make a schedule of this key, or change the one there is to this; the same again changes nothing."""
    if not _KEY.fullmatch(key) or uuid_key(key) or key == "preview":
        raise invalid({"key": [f"must be {KEY_EXPECTED}, got {shown(key)}"]})
    now = clock.now()
    try:
        row, made = schedule_changes.put(_new(order, now, key), now, settings().max_schedules)
    except TooMany:
        raise too_many() from None
    return _found(row, 201 if made else 200)


@blueprint.route("/schedules/<key>", methods=["PATCH"])
@blueprint.doc(description="Takes the fields of POST /schedules; null takes one away.")
@blueprint.response(200, shown_as.ScheduleResponse)
def change_schedule(key: str) -> Response:
    """Change some fields of a schedule; it keeps its state, and its instants unless the frequency changes."""
    sent = read_fields()
    for _ in range(CHANGES_TRIED):
        with suppress(Overtaken):  # by another change, which this one must not undo
            return _change(key, sent)
    raise ApiError(409, "The schedule is changed by others again and again; try again later.")


def _change(key: str, sent: Fields) -> Response:
    account_id, now = caller().account_id, clock.now()
    row = schedule_store.find(account_id, _checked(key))
    if row is None:
        raise not_found()
    errors = misplaced(sent)
    try:
        order = ScheduleFields().load(changed(row, sent))
    except ValidationError as error:
        raise invalid(errors | error.normalized_messages()) from None
    if errors:
        raise invalid(errors)
    if schedule_changes.replace(account_id, row.id, _new(order, now), now, row) is None:
        raise not_found()
    return _found(schedule_store.find(account_id, row.id))


@blueprint.route("/schedules/<key>", methods=["DELETE"])
@blueprint.response(204)
def delete_schedule(key: str) -> Response:
    """Delete a schedule and cancel its waiting jobs; one under way goes on."""
    if not schedule_changes.delete(caller().account_id, _checked(key), clock.now()):
        raise not_found()
    return Response(status=204)


@blueprint.route("/schedules/<key>/disable", methods=["POST"])
@blueprint.response(200, shown_as.ScheduleResponse)
def disable_schedule(key: str) -> Response:
    """Make no more jobs; those that wait are cancelled, one under way goes on."""
    return _found(schedule_changes.disable(caller().account_id, _checked(key), clock.now()))


@blueprint.route("/schedules/<key>/enable", methods=["POST"])
@blueprint.response(200, shown_as.ScheduleResponse)
def enable_schedule(key: str) -> Response:
    """Make jobs again, from the next instant on."""
    try:
        return _found(
            schedule_changes.enable(caller().account_id, _checked(key), clock.now(), settings().max_schedules)
        )
    except TooMany:
        raise too_many() from None


@blueprint.route("/schedules/<key>/run", methods=["POST"])
@blueprint.response(201, shown_as.JobResponse)
def fire_schedule(key: str) -> Response:
    """Make a job of the schedule at once, besides those of its instants."""
    who = caller()
    row = schedule_changes.fire_now(who.account_id, _checked(key), clock.now())
    if row is None:
        raise not_found()
    return json_response(serializers.data(serializers.job(row, who.user_id)), 201)


@blueprint.route("/schedules/<key>/runs", methods=["GET"])
@blueprint.arguments(FiringsQuery(), location="query")
@blueprint.response(200, shown_as.FiringsResponse)
def list_firings(asked: dict[str, Any], key: str) -> Response:
    """What came of each instant of a schedule, the latest first unless asked otherwise."""
    page = (asked.get("status"), asked["order_by"], asked["limit"], asked["offset"])
    rows = schedule_store.firings_of(caller().account_id, _checked(key), *page)
    if rows is None:
        raise not_found()
    return respond({"data": [serializers.firing(row) for row in rows]})


def _new(order: JobRequest, now: int, key: str | None = None) -> NewSchedule:
    return new_schedule(order, caller().account_id, due_at(order, now), now, hops(), key)


def _checked(key: str) -> str:
    if uuid_key(key) is None and not _KEY.fullmatch(key):
        raise not_found()
    return uuid_key(key) or key


def _found(row: ScheduleRow | None, status: int = 200) -> Response:
    if row is None:
        raise not_found()
    return json_response(serializers.data(serializers.schedule(row, caller().user_id)), status)
