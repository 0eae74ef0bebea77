"""Writes the log line, the metrics and the span of each request.

A route is named by its template, never by the path of the request. No header, query string or body is logged. The id
of a request is ours: an id that a client or a proxy sends is ignored.
"""

import logging
import time

from flask import Flask, Response, g, request

from api.responses.responses import request_id
from runtime import metrics, metrics_access, tracing
from runtime.logs import fields

log = logging.getLogger("booper.requests")
NO_ROUTE = "none"
OF_OPERATORS = ("/healthz", "/readyz", metrics_access.PATH)  # requested every few seconds; logged at DEBUG


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_record)
    app.teardown_request(lambda _: metrics.set_connections("api"))


def _begin() -> None:
    g.began_s = time.perf_counter()
    g.span = tracing.begin_request(request.headers.get(tracing.TRACEPARENT, ""))


def name_job(job_id: int) -> None:
    """Name the job that this request made in its log line and its span."""
    g.job_id = job_id


def _record(response: Response) -> Response:
    duration_s = time.perf_counter() - g.began_s if "began_s" in g else 0.0
    route = request.url_rule.rule if request.url_rule else NO_ROUTE
    line = {
        "request_id": request_id(),
        "method": metrics.known_method(request.method),
        "route": route,
        "status": response.status_code,
        "duration_ms": round(duration_s * 1000, 3),
        "account_id": g.caller.account_id if "caller" in g else None,
        "job_id": g.get("job_id"),
    }
    metrics.count_request(line["method"], route, response.status_code, duration_s)
    tracing.end_request(g.get("span"), line)
    log.log(logging.DEBUG if route in OF_OPERATORS else logging.INFO, "request", extra=fields(**line))
    return response
