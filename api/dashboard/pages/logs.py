"""Owns the page of the log, and where its live tail comes from."""

import json
from typing import Any

from flask import Response, current_app, g, make_response, render_template, request
from marshmallow import ValidationError

from api.dashboard import log_stream
from api.dashboard.blueprint import gone, pages, visitor
from api.requests.ids import uuid_key
from api.requests.paging import cursor_of
from api.responses.responses import ApiError
from api.routes.logs import LogsQuery
from models.database.paging import NEWEST_FIRST, Page, PageRequest
from models.jobs import log_entries
from models.jobs.log_entries import LogEntryRow, LogFilter
from models.rules import clock

SHOWN = 50
LONGEST_AGO_US = clock.HOUR
EVENTS = (
    "worker.http.request",
    "worker.http.response",
    "worker.http.error",
    "worker.job.cancelled",
    "worker.job.discarded",
)


@pages.get("/logs")
def list_logs() -> Response:
    given, page, problems, now = given_names(), Page([], None), [], clock.now()
    try:
        page = log_entries.listed(visitor().account_id, *read(given))
    except ValidationError as error:
        said = error.normalized_messages().items()
        problems = [f"{name.removesuffix('_id')} {text}" for name, texts in said for text in texts]
    return make_response(_rendered(given, page, problems, now), 422 if problems else 200)


@pages.get("/logs/<key>")
def show_log(key: str) -> str:
    uuid = uuid_key(key)
    row = log_entries.find(visitor().account_id, uuid) if uuid else None
    if row is None:
        raise gone()
    payload: dict[str, Any] = json.loads(row.payload)
    lines, parts = lines_and_parts(payload)
    return render_template("log.html", entry=row, payload=payload, lines=lines, parts=parts)


def lines_and_parts(payload: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an entry tells in a line each, and what needs room of its own: a body, and whatever has an inside."""
    nested = {name: value for name, value in payload.items() if name == "body" or isinstance(value, dict | list)}
    lines = {name: value for name, value in payload.items() if name not in nested and value is not None}
    lines.pop("truncated", None)
    return lines, {name: value for name, value in nested.items() if value}


@pages.get("/logs/stream")
def stream_logs() -> Response:
    """New entries as server-sent events, each the HTML of a row."""
    try:
        who, (asked, _) = visitor(), read(given_names())
    except ValidationError as error:
        raise ApiError(422, errors=error.normalized_messages()) from None
    if not log_stream.free.acquire(blocking=False):
        raise ApiError(503, "All live tails are taken; the page asks again by itself.", headers={"Retry-After": "5"})
    entry_row = current_app.jinja_env.get_template("log_row.html")
    as_html = lambda row: entry_row.render(entry=with_payload(row))  # noqa: E731
    tail = log_stream.Tail(who.account_id, g.session, asked, heard_until(clock.now()), as_html)
    response = Response(tail.events(), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(tail.end)
    return response


def given_names() -> dict[str, str]:
    return {name: request.args.get(name, "").strip() for name in ("event", "job", "cursor")}


def read(given: dict[str, str]) -> tuple[LogFilter, PageRequest]:
    """What is asked for, read as GET /api/logs would; an empty field asks nothing. Raises ValidationError."""
    named = {"event": given["event"], "job_id": given["job"], "cursor": given["cursor"], "limit": str(SHOWN)}
    asked = LogsQuery().load({name: value for name, value in named.items() if value})
    return LogFilter(asked.get("job_id"), asked.get("event")), asked["page"]


def _rendered(given: dict[str, str], page: Page, problems: list[str], now: int) -> str:
    return render_template(
        "logs.html",
        entries=[with_payload(row) for row in page.rows],
        next=page.end and cursor_of(NEWEST_FIRST, page.end),
        is_first=not given["cursor"],
        asked={name: given[name] for name in ("event", "job") if given[name]},
        problems=problems,
        events=EVENTS,
        now=now,
    )


def heard_until(now: int) -> int:
    """The instant of the last look that the browser heard of, or of its page; not long ago, and not to come."""
    text = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    told = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else now
    return min(max(told, now - LONGEST_AGO_US), now)


def with_payload(row: LogEntryRow) -> dict[str, Any]:
    return {**row._asdict(), "payload": json.loads(row.payload)}
