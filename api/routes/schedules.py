"""Serves /schedules: making, looking at, changing and deleting what makes jobs.

The modules `schedule_actions`, `schedule_runs` and `schedule_preview` add routes to the same blueprint.
"""

import re
from contextlib import suppress
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validates_schema

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.requests.fields import expansion, order_by, shown, whole_in_query
from api.requests.hops import hops
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import uuid_key
from api.requests.job_fields import JobFields
from api.requests.job_requests import JobRequest, due_at
from api.requests.new_schedule import changed, misplaced, new_schedule
from api.requests.options.refusals import refusals
from api.requests.paging import MAX_OFFSET
from api.requests.reading.body import FORM, Fields, read_fields
from api.requests.reading.strict_schema import Strict
from api.responses import schemas, serializers
from api.responses.expanded_schedules import EXPANSIONS, HEALTH, KEY, ScheduleHealth, expanded
from api.responses.responses import ApiError, invalid, json_response, not_found, or_not_found
from api.responses.timestamps import seconds, seconds_utc
from api.routes.targets.group_orders import check_group
from models.database.paging import NEWEST_FIRST
from models.jobs.job_json import args, compact, with_member
from models.rules import clock
from models.schedules import schedule_changes, schedule_store
from models.schedules.schedule_changes import Overtaken
from models.schedules.schedule_store import NewSchedule, ScheduleRow

blueprint = Blueprint("schedules", __name__, description="What makes jobs, again and again.")

MAX_TRIES_TO_CHANGE = 20
KEY_EXPECTED = (
    "up to 100 letters, digits, `.`, `_` or `-`, a letter or digit first, no UUID and not `check` or `preview`"
)
NO_KEYS = ("check", "preview")  # addresses of their own

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Schedule(Schema):
    id = fields.UUID()
    name = fields.String(allow_none=True)
    description = fields.String(allow_none=True)
    inserted_at = fields.String(metadata=schemas.ZONELESS)
    disabled_at = fields.String(metadata=schemas.WHOLE_SECONDS, allow_none=True)
    user_id = fields.UUID()
    frequency = fields.Dict(metadata={"example": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}})
    args = fields.Dict(metadata={"description": "The request as it was sent."})


def schedule(row: ScheduleRow, user_id: str) -> str:
    """A schedule with its eight keys."""
    outer = {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "inserted_at": seconds(row.inserted_at),
        "disabled_at": seconds_utc(row.disabled_at),
        "user_id": user_id,
    }
    return with_member(with_member(compact(outer), "frequency", row.frequency), "args", args(row))


class ExpandedSchedule(Schedule):
    """The members behind those of a schedule are there with `expand`."""

    health = fields.Nested(ScheduleHealth, metadata={schemas.EXPANDED: HEALTH})
    key = fields.String(
        allow_none=True, metadata={schemas.EXPANDED: KEY, "description": "Null if it was created without one."}
    )


class ScheduleFields(JobFields):
    """What POST /schedules takes: a request for a job that recurs."""

    class Meta(Strict.Meta):
        exclude = ("idempotency_key", "dedup")

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def check_recurs(self, data: dict[str, Any], sent: dict[str, Any], **_: Any) -> None:  # noqa: ARG002
        if sent.get("repeat_every") is None and sent.get("cron") is None:
            raise ValidationError("must be given, or cron, got neither", "repeat_every")


class ScheduleChange(ScheduleFields):
    """What PATCH /schedules/{id} takes, for the document: what is read are the fields after the change."""

    def __init__(self, **options: Any) -> None:
        super().__init__(partial=True, **options)


class ScheduleQuery(Strict):
    """What GET /schedules/{id} takes."""

    expand = expansion(EXPANSIONS)


class SchedulesQuery(ScheduleQuery):
    """What GET /schedules takes."""

    limit = whole_in_query(1, 100, load_default=10)
    offset = whole_in_query(0, MAX_OFFSET, load_default=0)
    order_by = order_by(schedule_store.ORDERS, load_default=NEWEST_FIRST)


@blueprint.route("/schedules", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(ScheduleFields(), description=f"As JSON, or as {FORM}.")
@blueprint.response(201, schemas.single(Schedule))
def create_schedule(job_request: JobRequest) -> Response:
    """Make a schedule and its first job."""
    return respond_once(job_request.sent, lambda now: _create(job_request, now))


def _create(job_request: JobRequest, now: int) -> tuple[int, str]:
    with refusals():
        row, _, _ = schedule_changes.create(_new(job_request, now), now, settings().max_schedules)
    return 201, serializers.data(schedule(or_not_found(row), caller().user_id))


@blueprint.route("/schedules", methods=["GET"])
@blueprint.arguments(SchedulesQuery(), location="query")
@blueprint.response(200, schemas.list_of(ExpandedSchedule))
def list_schedules(query: dict[str, Any]) -> Response:
    """A page of schedules, newest first by default."""
    rows = schedule_store.listed(caller().account_id, query["order_by"], query["limit"], query["offset"])
    return json_response(serializers.data_list(_texts(rows, query)))


@blueprint.route("/schedules/<key>", methods=["GET"])
@blueprint.arguments(ScheduleQuery(), location="query")
@blueprint.response(200, schemas.single(ExpandedSchedule))
def get_schedule(query: dict[str, Any], key: str) -> Response:
    """One schedule, by its UUID or its key."""
    row = or_not_found(schedule_store.find(caller().account_id, key_in_path(key)))
    [text] = _texts([row], query)
    return json_response(serializers.data(text))


def _texts(rows: list[ScheduleRow], query: dict[str, Any]) -> list[str]:
    owner = caller()
    texts = [schedule(row, owner.user_id) for row in rows]
    return expanded(owner.account_id, texts, rows, query.get("expand", ()))


@blueprint.route("/schedules/<key>", methods=["PUT"])
@blueprint.arguments(ScheduleFields(), description=f"As JSON, or as {FORM}.")
@blueprint.response(200, schemas.single(Schedule), description="The schedule as it is now.")
@blueprint.alt_response(201, schema=schemas.single(Schedule), description="The new schedule.")
def put_schedule(job_request: JobRequest, key: str) -> Response:
    """Make a schedule with this key, or change the present one to this request. Repeating it changes nothing."""
    if not is_key(key):
        raise invalid({"key": [f"must be {KEY_EXPECTED}, got {shown(key)}"]})
    now = clock.now()
    with refusals():
        row, created = schedule_changes.put(_new(job_request, now, key), now, settings().max_schedules)
    return schedule_response(row, 201 if created else 200)


@blueprint.route("/schedules/<key>", methods=["PATCH"])
@blueprint.doc(
    description="Takes the fields of POST /schedules, each optional; null removes a field.",
    requestBody=schemas.body_of(ScheduleChange),
)
@blueprint.response(200, schemas.single(Schedule))
def change_schedule(key: str) -> Response:
    """Change some fields of a schedule. Its state stays, and so do its instants unless the frequency changes."""
    sent = read_fields()
    for _ in range(MAX_TRIES_TO_CHANGE):
        with suppress(Overtaken):  # by another change, which this one must not undo
            return _change(key, sent)
    raise ApiError(409, "Other requests keep changing the schedule; try again later.")


def _change(key: str, sent: Fields) -> Response:
    account_id, now = caller().account_id, clock.now()
    row = or_not_found(schedule_store.find(account_id, key_in_path(key)))
    errors = misplaced(sent)
    try:
        job_request = ScheduleFields().load(changed(row, sent))
    except ValidationError as error:
        raise invalid(errors | error.normalized_messages()) from None
    if errors:
        raise invalid(errors)
    with refusals():
        new, limit = _new(job_request, now), settings().max_schedules
        or_not_found(schedule_changes.replace(account_id, row.id, new, now, limit, row))
    return schedule_response(schedule_store.find(account_id, row.id))


@blueprint.route("/schedules/<key>", methods=["DELETE"])
@blueprint.response(204)
def delete_schedule(key: str) -> Response:
    """Delete a schedule and cancel its waiting jobs; an executing one goes on."""
    if not schedule_changes.delete(caller().account_id, key_in_path(key), clock.now()):
        raise not_found()
    return Response(status=204)


def is_key(key: str) -> bool:
    """Whether a schedule may have this key."""
    return bool(_KEY.fullmatch(key)) and not uuid_key(key) and key not in NO_KEYS


def key_in_path(key: str) -> str:
    """The UUID in lower case or the key of a schedule; 404 for another text."""
    if uuid_key(key) is None and not _KEY.fullmatch(key):
        raise not_found()
    return uuid_key(key) or key


def schedule_response(row: ScheduleRow | None, status: int = 200) -> Response:
    return json_response(serializers.data(schedule(or_not_found(row), caller().user_id)), status)


def _new(job_request: JobRequest, now: int, key: str | None = None) -> NewSchedule:
    check_group(job_request, caller().account_id)
    return new_schedule(job_request, caller().account_id, due_at(job_request, now), now, hops(), key)
