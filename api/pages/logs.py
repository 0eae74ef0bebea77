"""Owns the page of the log and its live tail.

A tail keeps one of the server's few threads, so a process gives out `STREAMS` at once and ends each after `LASTS_S`;
the browser comes back by itself. Who gets none is told 503, and the page asks again every few seconds instead.
"""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, render_template, request

from api.answers import ApiError
from api.ids import job_key, uuid_key
from api.logs import read_event
from api.pages.blueprint import gone, pages, visitor
from models import accounts, clock, log_entries
from models.database import Unreachable, connection
from models.log_entries import LogEntryRow, LogFilter
from models.paging import PageAsked

SHOWN = 50
STREAMS = 4
LASTS_S = 25.0
LOOK_EVERY_S = 1.0
OVERLAP_US = 10 * clock.SECOND  # entries of one transaction may appear this much after their instant
NEWEST_FIRST = ("inserted_at", "desc")
EVENTS = (
    "worker.http.request",
    "worker.http.response",
    "worker.http.error",
    "worker.job.cancelled",
    "worker.job.discarded",
)
free = threading.BoundedSemaphore(STREAMS)


@pages.get("/logs")
def list_logs() -> str:
    asked = filter_asked()
    rows = log_entries.listed(visitor().account_id, asked, PageAsked(NEWEST_FIRST, SHOWN)).rows
    return render_template(
        "logs.html", entries=[with_payload(row) for row in rows], asked=asked, events=EVENTS, query=request.args
    )


@pages.get("/logs/<key>")
def show_log(key: str) -> str:
    uuid = uuid_key(key)
    row = log_entries.find(visitor().account_id, uuid) if uuid else None
    if row is None:
        raise gone()
    return render_template("log.html", entry=row, payload=json.loads(row.payload))


@pages.get("/logs/stream")
def stream_logs() -> Response:
    """New entries as server-sent events, each the HTML of a row."""
    if not free.acquire(blocking=False):
        raise ApiError(503, "All live tails are taken; the page asks again by itself.", headers={"Retry-After": "5"})
    who, asked = visitor(), filter_asked()
    entry_row = current_app.jinja_env.get_template("log_row.html")
    tail = Tail(who.account_id, who.key_id, asked, lambda row: entry_row.render(entry=with_payload(row)))
    response = Response(tail.events(), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(tail.end)
    return response


class Tail:
    """One live tail. `events` yields text; no connection is held between two looks. `end` may be called twice."""

    def __init__(self, account_id: int, key_id: str, asked: LogFilter, as_html: Any) -> None:
        self._account_id, self._key_id, self._asked, self._as_html = account_id, key_id, asked, as_html
        self._since = clock.now()
        self._seen: dict[str, int] = {}
        self._ended = threading.Lock()

    def events(self) -> Iterator[str]:
        ends_s = time.monotonic() + LASTS_S
        yield "retry: 1000\n\n"
        while time.monotonic() < ends_s:
            try:
                with connection():
                    if accounts.of_key(self._key_id) is None:
                        return
                    rows = self.fresh()
            except Unreachable:
                return
            yield "".join(f"data: {json.dumps(self._as_html(row))}\n\n" for row in rows) or ": nothing new\n\n"
            time.sleep(LOOK_EVERY_S)

    def fresh(self) -> list[LogEntryRow]:
        """What appeared since the last look, oldest first."""
        rows = log_entries.listed(self._account_id, self._asked, PageAsked(NEWEST_FIRST, SHOWN)).rows
        fresh = [row for row in rows if row.inserted_at > self._since - OVERLAP_US and row.uuid not in self._seen]
        fresh = [row for row in fresh if self._seen or row.inserted_at > self._since]
        self._seen = {row.uuid: row.inserted_at for row in rows}
        return fresh[::-1]

    def end(self) -> None:
        if self._ended.acquire(blocking=False):
            free.release()


def filter_asked() -> LogFilter:
    """The filter in the query string; what can't be read restricts nothing."""
    job = job_key(request.args.get("job", "").strip())
    try:
        event = read_event(request.args.get("event"))
    except ValueError:
        event = None
    return LogFilter(job=job, event=event)


def with_payload(row: LogEntryRow) -> dict[str, Any]:
    return {**row._asdict(), "payload": json.loads(row.payload)}
