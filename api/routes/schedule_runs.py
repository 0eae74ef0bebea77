"""Serves /schedules/{id}/runs: what came of each instant of a schedule."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.requests.fields import choice, order_by, whole_in_query
from api.requests.paging import MAX_OFFSET
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import or_not_found, respond
from api.responses.timestamps import micros_utc
from api.routes.schedules import blueprint, key_in_path
from models.schedules import firing_rows, schedule_store
from models.schedules.firing_rows import FiringRow

LATEST_FIRST = ("fire_at", "desc")


class Firing(Schema):
    fire_at = schemas.instant()
    status = fields.String(metadata={"enum": list(firing_rows.STATUSES)})
    job_id = fields.Integer(allow_none=True)
    lateness_ms = fields.Float(allow_none=True)
    decided_at = schemas.instant()
    until = schemas.instant(allow_none=True)
    count = fields.Integer(allow_none=True)


def firing(row: FiringRow) -> dict[str, Any]:
    """What came of an instant, or of `count` instants from `fire_at` to `until`."""
    return {
        "fire_at": micros_utc(row.fire_at),
        "status": row.status,
        "job_id": row.job_id,
        "lateness_ms": None if row.lateness_us is None else row.lateness_us / 1000,
        "decided_at": micros_utc(row.decided_at),
        "until": micros_utc(row.until_at),
        "count": row.instants if row.until_at else 1,
    }


class FiringsQuery(Strict):
    """What GET /schedules/{id}/runs takes."""

    status = choice(firing_rows.STATUSES)
    limit = whole_in_query(1, 100, load_default=10)
    offset = whole_in_query(0, MAX_OFFSET, load_default=0)
    order_by = order_by(firing_rows.ORDERS, load_default=LATEST_FIRST)


@blueprint.route("/schedules/<key>/runs", methods=["GET"])
@blueprint.arguments(FiringsQuery(), location="query")
@blueprint.response(200, schemas.list_of(Firing))
def list_runs(query: dict[str, Any], key: str) -> Response:
    """What came of each instant of a schedule, the latest first by default."""
    page = (query.get("status"), query["order_by"], query["limit"], query["offset"])
    rows = or_not_found(schedule_store.firings_of(caller().account_id, key_in_path(key), *page))
    return respond({"data": [firing(row) for row in rows]})
