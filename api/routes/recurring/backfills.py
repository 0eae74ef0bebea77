"""Serves /backfills: past instants of schedules that are made up for."""

from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validates_schema

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must, whole_in_query
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import uuid_in_path
from api.requests.job_values import INSTANT_FORM
from api.requests.options.refusals import backfill_refusals
from api.requests.reading.strict_schema import Strict
from api.requests.schedule_fields import A_BOUND, read_bound
from api.responses import schemas
from api.responses.responses import or_not_found, respond
from api.responses.timestamps import micros_utc
from api.routes.schedules import key_in_path
from models.jobs.job_json import compact
from models.rules import clock, times
from models.schedules.backfills import backfill_store
from models.schedules.backfills.backfill_store import BackfillRow

blueprint = Blueprint("backfills", __name__, description="Past instants of schedules that are made up for.")


class Backfill(Schema):
    class Meta:
        include = {"from": schemas.instant()}  # a class can't have an attribute called `from`

    id = fields.UUID()
    schedule_id = fields.UUID()
    to = schemas.instant()
    state = fields.String(metadata={"enum": list(backfill_store.STATES)})
    instants = fields.Integer(metadata={"description": "How many the schedule has in the range."})
    made = fields.Integer(metadata={"description": "How many of them got a job."})
    passed_over = fields.Integer(metadata={"description": "How many had run, or had a job."})
    left = fields.Integer()
    job_id = fields.Integer(allow_none=True, metadata={"description": "The latest of its jobs."})
    inserted_at = schemas.instant()
    ended_at = schemas.instant(allow_none=True)


def shape(row: BackfillRow) -> dict[str, Any]:
    return {
        "id": row.uuid,
        "schedule_id": row.schedule_id,
        "from": micros_utc(row.first_at),
        "to": micros_utc(row.last_at),
        "state": row.state,
        "instants": row.size,
        "made": row.made,
        "passed_over": row.looked_at - row.made,
        "left": row.size - row.looked_at,
        "job_id": row.job_id,
        "inserted_at": micros_utc(row.inserted_at),
        "ended_at": micros_utc(row.ended_at),
    }


def read_past(value: Any) -> int:
    """An instant that has come."""
    instant = read_bound(value)
    if instant > clock.now():
        raise ValueError
    return instant


class BackfillFields(Strict):
    """What POST /schedules/{id}/backfill takes."""

    class Meta(Strict.Meta):
        include = {"from": Must(A_BOUND, read_bound, INSTANT_FORM, required=True)}

    to = Must(f"{A_BOUND}, not in the future", read_past, INSTANT_FORM, required=True)

    @validates_schema
    def check_order(self, data: dict[str, Any], **_: Any) -> None:
        if data["from"] > data["to"]:
            first, last = (times.format_instant(data[name]) for name in ("from", "to"))
            raise ValidationError(f"must not be before from, which is {first}, got {last}", "to")


class BackfillsQuery(Strict):
    """What GET /schedules/{id}/backfills takes."""

    limit = whole_in_query(1, 100, load_default=10)


@blueprint.route("/schedules/<key>/backfill", methods=["POST"])
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(BackfillFields())
@blueprint.response(202, schemas.single(Backfill))
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="A backfill of the schedule is running.")
def create_backfill(values: dict[str, Any], key: str) -> Response:
    """Make up for the instants of a past range that have not run, one after another."""
    sent = {name: micros_utc(instant) for name, instant in values.items()}
    return respond_once(sent, lambda now: (202, _create(key, values, now)))


def _create(key: str, values: dict[str, Any], now: int) -> str:
    with backfill_refusals():
        row = backfill_store.create(caller().account_id, key_in_path(key), values["from"], values["to"], now)
    return compact({"data": shape(or_not_found(row))})


@blueprint.route("/schedules/<key>/backfills", methods=["GET"])
@blueprint.arguments(BackfillsQuery(), location="query")
@blueprint.response(200, schemas.list_of(Backfill))
def list_backfills(query: dict[str, Any], key: str) -> Response:
    """The latest backfills of a schedule."""
    rows = or_not_found(backfill_store.listed(caller().account_id, key_in_path(key), query["limit"]))
    return respond({"data": [shape(row) for row in rows]})


@blueprint.route("/backfills/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(Backfill))
def get_backfill(key: str) -> Response:
    """One backfill."""
    return respond({"data": shape(or_not_found(backfill_store.find(caller().account_id, uuid_in_path(key))))})


@blueprint.route("/backfills/<key>/cancel", methods=["POST"])
@blueprint.response(200, schemas.single(Backfill))
def cancel_backfill(key: str) -> Response:
    """Make no more jobs, and cancel the one that waits. One that has ended stays as it is."""
    row = backfill_store.cancel(caller().account_id, uuid_in_path(key), clock.now())
    return respond({"data": shape(or_not_found(row))})
