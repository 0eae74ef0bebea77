"""Serves /logs: what happened to the account's jobs."""

import re
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must
from api.requests.ids import read_job_key, read_uuid, uuid_in_path
from api.requests.paging import NEXT_HEADERS, PageQuery, ordered, page_response
from api.requests.text_forms import JOB_KEY_FORM, pattern_form
from api.responses import schemas, serializers
from api.responses.responses import json_response, or_not_found
from api.responses.timestamps import micros_utc
from models.jobs import log_entries
from models.jobs.job_json import compact, with_member
from models.jobs.log_entries import LogEntryRow, LogFilter

blueprint = Blueprint("logs", __name__, description="What happened to jobs.")

_EVENT = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){0,5}")


class LogEntry(Schema):
    event = fields.String()
    id = fields.UUID()
    inserted_at = schemas.instant()
    job_id = fields.Integer()
    payload = fields.Dict()
    user_id = fields.UUID()


def log_entry(row: LogEntryRow, user_id: str) -> str:
    """A log entry with its six keys."""
    outer = {
        "event": row.event,
        "id": row.uuid,
        "inserted_at": micros_utc(row.inserted_at),
        "job_id": row.job_id,
        "user_id": user_id,
    }
    return with_member(compact(outer), "payload", row.payload)


def read_event(value: Any) -> str:
    if not isinstance(value, str) or not _EVENT.fullmatch(value):
        raise ValueError
    return value


class LogsQuery(PageQuery):
    """What GET /logs takes."""

    job_id = Must("the integer or UUID of a job", read_job_key, JOB_KEY_FORM)
    event = Must(
        "the name of an event, such as worker.http.response",
        read_event,
        pattern_form(_EVENT.pattern, "worker.http.response"),
    )
    schedule_id = Must("the UUID of a schedule", read_uuid, {"type": "string", "format": "uuid"})
    listing = log_entries.LISTING
    order_by = ordered(listing)


@blueprint.route("/logs", methods=["GET"])
@blueprint.arguments(LogsQuery(), location="query")
@blueprint.response(200, schemas.list_of(LogEntry), headers=NEXT_HEADERS)
def list_logs(query: dict[str, Any]) -> Response:
    """A page of log entries, newest first by default."""
    owner, page = caller(), query["page"]
    filter_ = LogFilter(query.get("job_id"), query.get("event"), query.get("schedule_id"))
    rows, end = log_entries.listed(owner.account_id, log_entries.settled(filter_, page.order), page)
    return page_response(serializers.data_list([log_entry(row, owner.user_id) for row in rows]), page.order, end)


@blueprint.route("/logs/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(LogEntry))
def get_log(key: str) -> Response:
    """One log entry."""
    owner = caller()
    row = or_not_found(log_entries.find(owner.account_id, uuid_in_path(key)))
    return json_response(serializers.data(log_entry(row, owner.user_id)))
