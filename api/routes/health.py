"""Serves what operators ask for, outside /api: /healthz (this process lives), /readyz (the product works), /metrics.

For `booper worker`, which serves no API, `booper/metrics_page.py` serves /metrics.
"""

from flask import Blueprint, Response, request

from api.context import context, settings
from api.responses import refused_writes
from api.responses.responses import RETRY_AFTER_S, ApiError, not_found, respond
from models.database import schema
from models.database.connection import Unreachable, answered_within
from models.operations import heartbeats, ticker_row
from models.rules import clock
from runtime import metrics_access, metrics_files, signals

blueprint = Blueprint("health", __name__)
ANSWER_LIMIT_S = 2.0  # a probe waits for the answer
DELIVERED_S, DELIVERED_BUSY_S = 20, 60
SILENCE_SHOWN_S = 86_400


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is checked."""
    return respond({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """200 when Booper takes and performs jobs; 503 names what is missing."""
    missing = {**_stopping(), **(_held() or {**_broker_missing(), **_database_missing()})}
    if missing:
        message = f"Not ready: {', '.join(missing)}."
        raise ApiError(503, message, missing, {"Retry-After": RETRY_AFTER_S})
    return respond({"status": "ready"})


@blueprint.get(metrics_access.PATH)
def show_metrics() -> Response:
    """Every metric of this command's processes, for whoever may read them; 404 for everybody else."""
    if not metrics_access.may_read(request.environ, settings().metrics_token):
        raise not_found()
    return Response(metrics_files.page(), content_type=metrics_files.CONTENT_TYPE)


def _stopping() -> dict[str, list[str]]:
    return {"stopping": ["must not be told to stop, got a signal"]} if signals.stopping.is_set() else {}


def _held() -> dict[str, list[str]]:
    return {"hold": ["must be off (BOOPER_HOLD) for jobs to be sent, got on"]} if settings().hold else {}


def _database_missing() -> dict[str, list[str]]:
    """What the database lacks, or shows to be missing."""
    if cause := refused_writes.cause():
        return {"database": [f"must take what is written, got {cause}"]}
    try:
        with answered_within(ANSWER_LIMIT_S):
            context().host_clock.compare()  # it logs a clock that differs: `schedule_in` counts from this one
            pending = schema.lacking()
            if pending:
                return {"migrations": [f"must all be applied (`booper migrate`), got {', '.join(pending)} pending"]}
            return _ticker_missing() or _delivery_missing()
    except Unreachable:
        return {"database": ["must be reachable, got no connection or no answer"]}


def _delivery_missing() -> dict[str, list[str]]:
    """Whether messages reach the processes that send. The ticker sends a probe every few seconds, which waits its turn
    behind other messages while requests are under way."""
    now = clock.now()
    workers = heartbeats.alive(heartbeats.workers(), now)
    if not workers:
        return {"worker": ["at least one that sends must be alive, got none"]}
    silent_s = (now - ticker_row.delivered_until()) / clock.SECOND
    limit_s = DELIVERED_BUSY_S if any(worker.slots_in_use for worker in workers) else DELIVERED_S
    if silent_s <= limit_s:
        return {}
    got = f"none for {silent_s:.0f} s" if silent_s < SILENCE_SHOWN_S else "none ever"
    place = "worker" if context().broker_reachable is None else "broker"
    return {place: [f"a message must reach a worker every {limit_s} s, got {got}"]}


def _ticker_missing() -> dict[str, list[str]]:
    seen_at = ticker_row.seen_at()
    silent_s = (clock.now() - seen_at) / clock.SECOND
    if silent_s <= ticker_row.SILENT_S:
        return {}
    got = f"none for {silent_s:.0f} s" if seen_at else "none ever"
    return {"ticker": [f"must show a sign of life every {ticker_row.SILENT_S} s, got {got}"]}


def _broker_missing() -> dict[str, list[str]]:
    reachable = context().broker_reachable
    if reachable is None or reachable():
        return {}
    return {"broker": ["must be reachable, got no connection"]}
