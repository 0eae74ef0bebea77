"""Owns what is told of each request: its line in the log, its place in the metrics, and /metrics itself.

A route is named by its template, never by the path that was asked for; no header, query string or body is told. The
request's id is ours: one that a client or a proxy brings along is neither believed nor written down.
"""

import logging
import time

from flask import Blueprint, Flask, Response, g, request
from flask.globals import app_ctx, request_ctx

from api.context import settings
from api.responses.responses import not_found, request_id
from runtime import metrics, metrics_access, metrics_files, tracing
from runtime.logs import fields

log = logging.getLogger("booper.requests")
blueprint = Blueprint("metrics", __name__)
NO_ROUTE = "none"
OF_OPERATORS = ("/healthz", "/readyz", metrics_access.PATH)  # asked every few seconds; told at DEBUG


@blueprint.get(metrics_access.PATH)
def show_metrics() -> Response:
    """Every metric of this command's processes, for whoever may read them; 404 for everybody else."""
    if not metrics_access.may_read(request.environ, settings().metrics_token):
        raise not_found()
    return Response(metrics_files.page(), content_type=metrics_files.CONTENT_TYPE)


def register(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(lambda _: metrics.set_connections("api"))


def _begin() -> None:
    g.began_s = time.perf_counter()
    g.span = tracing.begin_request(request.headers.get(tracing.TRACEPARENT, ""))


def name_job(job_id: int) -> None:
    """The job that this request made, for its line in the log and its span."""
    g.job_id = job_id


def _tell(response: Response) -> Response:
    asked, known = request_ctx.request, app_ctx.g  # once: each look by way of `request` and `g` costs as much as a call
    duration_s = time.perf_counter() - known.began_s if "began_s" in known else 0.0
    told = {
        "request_id": request_id(),
        "method": metrics.known_method(asked.method),
        "route": asked.url_rule.rule if asked.url_rule else NO_ROUTE,
        "status": response.status_code,
        "duration_ms": round(duration_s * 1000, 3),
        "account_id": known.caller.account_id if "caller" in known else None,
        "job_id": known.get("job_id"),
    }
    metrics.count_request(told["method"], told["route"], response.status_code, duration_s)
    tracing.end_request(known.get("span"), told)
    log.log(logging.DEBUG if told["route"] in OF_OPERATORS else logging.INFO, "request", extra=fields(**told))
    return response
