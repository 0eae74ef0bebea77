"""Serves the page of the log, its entries, and the stream of new entries."""

import json
from typing import Any

from flask import Response, current_app, g, make_response, render_template, request
from marshmallow import ValidationError

from api import held_threads
from api.dashboard import log_stream
from api.dashboard.blueprint import pages, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.query import filled_fields, problems_of, whole_number
from api.requests.ids import uuid_key
from api.requests.paging import cursor_of
from api.responses.responses import ApiError
from api.routes.logs import LogsQuery
from models.database.paging import NEWEST_FIRST, Page, PageRequest
from models.jobs import log_entries
from models.jobs.log_entries import LogEntryRow, LogFilter
from models.jobs.log_events import EVENTS
from models.rules import clock

SHOWN = 50
MAX_SINCE_US = clock.HOUR  # ago; older entries are not streamed
FIELDS = ("event", "job", "cursor")
LABELS = {"job_id": "job"}


@pages.get("/logs")
def list_logs() -> Response:
    fields, page, problems, now = filled_fields(FIELDS), Page([], None), [], clock.now()
    try:
        page = log_entries.listed(visitor().account_id, *read_filter(fields))
    except ValidationError as error:
        problems = problems_of(error, LABELS)
    return make_response(_rendered(fields, page, problems, now), 422 if problems else 200)


@pages.get("/logs/<key>")
def show_log(key: str) -> str:
    uuid = uuid_key(key)
    row = log_entries.find(visitor().account_id, uuid) if uuid else None
    if row is None:
        raise page_not_found()
    payload: dict[str, Any] = json.loads(row.payload)
    lines, blocks = lines_and_blocks(payload)
    return render_template("log.html", entry=row, payload=payload, lines=lines, blocks=blocks)


def lines_and_blocks(payload: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that fit in a line each, and those that take a block: a body, an object, a list."""
    nested = {name: value for name, value in payload.items() if name == "body" or isinstance(value, dict | list)}
    lines = {name: value for name, value in payload.items() if name not in nested and value is not None}
    lines.pop("truncated", None)
    lines.pop("unreadable", None)
    return lines, {name: value for name, value in nested.items() if value}


@pages.get("/logs/stream")
def stream_logs() -> Response:
    """New entries as server-sent events, each the HTML of a row."""
    try:
        log_filter, _ = read_filter(filled_fields(FIELDS))
    except ValidationError as error:
        raise ApiError(422, errors=error.normalized_messages()) from None
    account_id = visitor().account_id
    if not held_threads.places.take(account_id):
        message = "All live streams that this account may have are taken. The page refreshes by itself instead."
        raise ApiError(503, message, headers={"Retry-After": "5"})
    entry_row = current_app.jinja_env.get_template("log_row.html")
    root = request.script_root
    as_html = lambda row: entry_row.render(entry=with_payload(row), root=root)  # noqa: E731
    tail = log_stream.Tail(account_id, g.session, log_filter, seen_until(clock.now()), as_html)
    response = Response(tail.events(), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(tail.end)
    return response


def read_filter(fields: dict[str, str]) -> tuple[LogFilter, PageRequest]:
    """The filter and the page of the list, as GET /api/logs reads them. Raises ValidationError."""
    renamed = {"job_id" if name == "job" else name: value for name, value in fields.items()}
    query = LogsQuery().load({**renamed, "limit": str(SHOWN)})
    return LogFilter(query.get("job_id"), query.get("event")), query["page"]


def _rendered(fields: dict[str, str], page: Page, problems: list[str], now: int) -> str:
    return render_template(
        "logs.html",
        entries=[with_payload(row) for row in page.rows],
        next=page.end and cursor_of(NEWEST_FIRST, page.end),
        is_first="cursor" not in fields,
        filters={name: fields[name] for name in ("event", "job") if name in fields},
        problems=problems,
        events=EVENTS,
        now=now,
    )


def seen_until(now: int) -> int:
    """The instant up to which the browser has seen the log, by its last event or its page: at most an hour ago."""
    instant = whole_number(request.headers.get("Last-Event-ID") or request.args.get("since", ""), now)
    return min(max(instant, now - MAX_SINCE_US), now)


def with_payload(row: LogEntryRow) -> dict[str, Any]:
    return {**row._asdict(), "payload": json.loads(row.payload)}
