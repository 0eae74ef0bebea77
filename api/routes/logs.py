"""Owns the routes under /logs: what happened to the account's jobs."""

import re
from typing import Any

from flask import Response

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must
from api.requests.ids import job_key, uuid_key
from api.requests.paging import NEXT_HEADERS, PageQuery, ordered, page_response
from api.responses import schemas as shown_as
from api.responses import serializers
from api.responses.responses import json_response, not_found
from models.jobs import log_entries
from models.jobs.log_entries import LogFilter

blueprint = Blueprint("logs", __name__, description="What happened to jobs.")

_EVENT = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){0,5}")


def read_event(value: Any) -> str:
    if not isinstance(value, str) or not _EVENT.fullmatch(value):
        raise ValueError
    return value


def read_job(value: Any) -> int | str:
    key = job_key(value) if isinstance(value, str) else None
    if key is None:
        raise ValueError
    return key


def read_uuid(value: Any) -> str:
    key = uuid_key(value) if isinstance(value, str) else None
    if key is None:
        raise ValueError
    return key


class LogsQuery(PageQuery):
    """What GET /logs takes."""

    job_id = Must("the integer or UUID of a job", read_job, "string")
    event = Must("the name of an event, such as worker.http.response", read_event, "string")
    schedule_id = Must("the UUID of a schedule", read_uuid, "string")
    listing = log_entries.LISTING
    order_by = ordered(listing)


@blueprint.route("/logs", methods=["GET"])
@blueprint.arguments(LogsQuery(), location="query")
@blueprint.response(200, shown_as.LogEntriesResponse, headers=NEXT_HEADERS)
def list_logs(asked: dict[str, Any]) -> Response:
    """A page of log entries, newest first unless asked otherwise."""
    who, which = caller(), LogFilter(asked.get("job_id"), asked.get("event"), asked.get("schedule_id"))
    rows, end = log_entries.listed(who.account_id, which, asked["page"])
    return page_response(
        serializers.data_list([serializers.log_entry(row, who.user_id) for row in rows]), asked["page"].order, end
    )


@blueprint.route("/logs/<key>", methods=["GET"])
@blueprint.response(200, shown_as.LogEntryResponse)
def get_log(key: str) -> Response:
    """One log entry."""
    who, uuid = caller(), uuid_key(key)
    row = log_entries.find(who.account_id, uuid) if uuid else None
    if row is None:
        raise not_found()
    return json_response(serializers.data(serializers.log_entry(row, who.user_id)))
