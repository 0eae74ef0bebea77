"""Serves /calendars: days that schedules exclude by the name of a calendar."""

import json
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must
from api.requests.ids import name_in_path, new_name_in_path
from api.requests.options.calendars import A_CALENDAR, RANGES, days_form, read_days
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import ApiError, not_found, or_not_found, respond
from api.responses.timestamps import micros_utc
from models.rules import clock
from models.schedules.calendars import calendar_changes, calendar_store
from models.schedules.calendars.calendar_changes import InUse, TooMany
from models.schedules.calendars.calendar_store import MAX_CALENDARS, MAX_DAYS, CalendarRow

blueprint = Blueprint("calendars", __name__, description="Days that schedules exclude by the name of a calendar.")


def read_calendar(value: Any) -> list[Any]:
    """The days as they were sent, since they are shown so."""
    read_days(value, MAX_DAYS)
    return list(value)


class CalendarFields(Strict):
    """What PUT /calendars/{name} takes."""

    days = Must(f"a list of at most {MAX_DAYS} {RANGES}", read_calendar, days_form(MAX_DAYS), required=True)


APPLIED = "Whether all schedules that name it have these days; false while the ticker moves the last of many."


class CalendarSummary(Schema):
    name = fields.String()
    size = fields.Integer(metadata={"description": "How many days and ranges it has."})
    schedules = fields.Integer(metadata={"description": "How many schedules name it."})
    applied = fields.Boolean(metadata={"description": APPLIED})
    inserted_at = schemas.instant()
    updated_at = schemas.instant()


class Calendar(Schema):
    name = fields.String()
    days = fields.List(fields.Raw(metadata=days_form(MAX_DAYS)["items"]))
    schedules = fields.Integer(metadata={"description": "How many schedules name it."})
    applied = fields.Boolean(metadata={"description": APPLIED})
    inserted_at = schemas.instant()
    updated_at = schemas.instant()


def summary(row: CalendarRow, schedules: int) -> dict[str, Any]:
    return {"name": row.name, "size": len(json.loads(row.days)), "schedules": schedules, **_progress(row)}


def shape(row: CalendarRow) -> dict[str, Any]:
    schedules = len(calendar_store.users(caller().account_id).get(row.name, ()))
    return {"name": row.name, "days": json.loads(row.days), "schedules": schedules, **_progress(row)}


def _progress(row: CalendarRow) -> dict[str, Any]:
    instants = {"inserted_at": micros_utc(row.created_at), "updated_at": micros_utc(row.changed_at)}
    return {"applied": row.moved_to is None, **instants}


@blueprint.route("/calendars", methods=["GET"])
@blueprint.response(200, schemas.list_of(CalendarSummary))
def list_calendars() -> Response:
    """Every calendar, by name, without its days."""
    account_id = caller().account_id
    users = calendar_store.users(account_id)
    rows = calendar_store.listed(account_id)
    return respond({"data": [summary(row, len(users.get(row.name, ()))) for row in rows]})


@blueprint.route("/calendars/<name>", methods=["GET"])
@blueprint.response(200, schemas.single(Calendar))
def get_calendar(name: str) -> Response:
    """One calendar, with its days."""
    return respond({"data": shape(or_not_found(calendar_store.find(caller().account_id, name_in_path(name))))})


@blueprint.route("/calendars/<name>", methods=["PUT"])
@blueprint.arguments(CalendarFields())
@blueprint.response(200, schemas.single(Calendar), description="The calendar as it is now.")
@blueprint.alt_response(201, schema=schemas.single(Calendar), description="The new calendar.")
@blueprint.alt_response(
    409, schema=schemas.ErrorResponse, description=f"The account has {MAX_CALENDARS} calendars, none of this name."
)
def put_calendar(values: dict[str, Any], name: str) -> Response:
    """Make a calendar, or give the present one exactly these days. The schedules that name it are planned again."""
    name = new_name_in_path(name, A_CALENDAR)
    try:
        row, is_new = calendar_changes.put(caller().account_id, name, values["days"], clock.now())
    except TooMany:
        raise ApiError(409, f"There may be at most {MAX_CALENDARS} calendars; delete one of them first.") from None
    return respond({"data": shape(row)}, 201 if is_new else 200)


@blueprint.route("/calendars/<name>", methods=["DELETE"])
@blueprint.response(204)
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="Schedules name it.")
def delete_calendar(name: str) -> Response:
    """Delete a calendar that no schedule names."""
    try:
        if not calendar_changes.delete(caller().account_id, name_in_path(name)):
            raise not_found()
    except InUse as error:
        names = "1 schedule names" if error.schedules == 1 else f"{error.schedules} schedules name"
        raise ApiError(409, f"{names} the calendar; change them first.") from None
    return Response(status=204)
