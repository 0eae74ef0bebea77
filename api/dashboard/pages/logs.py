"""Serves the page of the log, its entries, and the stream of new entries."""

import json
from typing import Any

from flask import Response, current_app, g, make_response, render_template, request
from marshmallow import ValidationError

from api import held_threads
from api.dashboard import log_stream, ranges
from api.dashboard.blueprint import pages, visitor
from api.dashboard.errors import page_not_found
from api.dashboard.query import filled_fields, problems_of, whole_number
from api.dashboard.ranges import Range, RangeFields, as_typed, range_of
from api.dashboard.reader_times import ZONE, in_utc
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
FIELDS = ("event", "job", "cursor", ZONE, *ranges.FIELDS)
LABELS = {"job_id": "job", **ranges.END_LABELS}


class RangedLogsQuery(LogsQuery, RangeFields):
    """What the page takes beyond GET /logs."""


@pages.get("/logs")
def list_logs() -> Response:
    fields, page, problems, is_live, now = filled_fields(FIELDS), Page([], None), [], False, clock.now()
    shown = as_typed(fields)
    try:
        fields = in_utc(fields, ranges.ENDS)
        shown = range_of(fields, now)
        log_filter, wanted = read_filter(fields | shown.ends)
        page = log_entries.listed(visitor().account_id, log_filter, wanted)
        is_live = "cursor" not in fields and is_open(log_filter, now)
    except ValidationError as error:
        problems = problems_of(error, LABELS)
    return make_response(_rendered(fields, shown, page, problems, is_live, now), 422 if problems else 200)


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
    if not is_open(log_filter, clock.now()):
        raise ApiError(422, "A live log has no range that ends or is still to begin.")
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
    names = ("event", "cursor", *ranges.ENDS)
    wanted = {"job_id": fields.get("job"), **{name: fields.get(name) for name in names}}
    query = RangedLogsQuery().load({**{name: text for name, text in wanted.items() if text}, "limit": str(SHOWN)})
    ends = {name: query.get(name) for name in ranges.ENDS}
    return LogFilter(query.get("job_id"), query.get("event"), **ends), query["page"]


def _rendered(fields: dict[str, str], shown: Range, page: Page, problems: list[str], is_live: bool, now: int) -> str:
    untimed = {name: fields[name] for name in ("event", "job") if name in fields}
    return render_template(
        "logs.html",
        entries=[with_payload(row) for row in page.rows],
        next=page.end and cursor_of(NEWEST_FIRST, page.end),
        is_first="cursor" not in fields,
        is_live=is_live,
        filters=untimed | shown.ends,
        untimed=untimed,
        range=shown,
        spans=ranges.LABELS,
        problems=problems,
        events=EVENTS,
        now=now,
    )


def is_open(log_filter: LogFilter, now: int) -> bool:
    """Whether new entries may match: the range has begun and has no end."""
    return log_filter.before is None and (log_filter.after or 0) <= now


def seen_until(now: int) -> int:
    """The instant up to which the browser has seen the log, by its last event or its page: at most an hour ago."""
    instant = whole_number(request.headers.get("Last-Event-ID") or request.args.get("since", ""), now)
    return min(max(instant, now - MAX_SINCE_US), now)


def with_payload(row: LogEntryRow) -> dict[str, Any]:
    return {**row._asdict(), "payload": json.loads(row.payload)}
