"""Serves /listeners: developers' machines fetch the requests of jobs that name them, and bring back the answers.

A machine asks and waits for up to 20 seconds, so it needs no address that others reach. While it waits it holds one of
the server's few threads (`api/held_threads.py`); if there is none to spare, it is answered at once and asks again.
"""

import json
import time
from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api import held_threads
from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.requests.fields import shown
from api.requests.ids import uuid_in_path
from api.requests.options.listener_answers import AnswerFields, TakeFields
from api.requests.reading.body import load_optional
from api.requests.text_forms import pattern_form
from api.responses import schemas
from api.responses.responses import ApiError, invalid, not_found, respond
from api.responses.timestamps import micros_utc
from models.jobs.job_json import as_base64, compact
from models.operations.listening import listener_store, open_requests
from models.operations.listening.open_requests import Answer, Reply, Taken
from models.rules import clock
from models.rules.listener_urls import NAME_PATTERN, NAMES, is_name
from runtime import signals

blueprint = Blueprint("listeners", __name__, description="Developers' machines that fetch requests.")
LOOK_EVERY_S = 0.2
NAME_FORM = pattern_form(NAME_PATTERN, "laptop")
REFUSALS = {
    Reply.SECOND: ApiError(409, "This request has been answered already; the first answer counts."),
    Reply.LATE: ApiError(410, "The attempt has ended without this answer: its time was over, or its job was changed."),
}


class ListenerSchema(Schema):
    name = fields.String()
    connected = fields.Boolean(metadata={"description": "Whether it has asked for requests within a minute."})
    seen_at = schemas.instant()
    waiting = fields.Integer(metadata={"description": "Requests that it has not taken."})
    taken = fields.Integer(metadata={"description": "Requests that it has yet to answer."})


class TakenRequest(Schema):
    id = fields.UUID()
    job_id = fields.Integer()
    attempt = fields.Integer()
    method = fields.String(metadata={"description": "In capitals."})
    path = fields.String(metadata={"description": "With its query, as a request line holds it."})
    headers = fields.Dict(keys=fields.String(), values=fields.String())
    body_base64 = fields.String(allow_none=True, metadata={"description": "The bytes to send; null: no body."})
    seconds_left = fields.Float(metadata={"description": "No answer counts after it."})
    keep_bytes = fields.Integer(metadata={"description": "How much of the answer's body is kept."})


class Answered(Schema):
    accepted = fields.Boolean()


@blueprint.route("/listeners", methods=["GET"])
@blueprint.response(200, schemas.list_of(ListenerSchema))
def list_listeners() -> Response:
    """The listeners of the last week, by name."""
    now = clock.now()
    rows = listener_store.listed(caller().account_id)
    return respond({"data": [_shape(row, now) for row in rows]})


@blueprint.route(
    "/listeners/<listener>/take",
    methods=["POST"],
    parameters=[{"in": "path", "name": "listener", "required": True, "schema": NAME_FORM}],
)
@blueprint.doc(requestBody=schemas.body_of(TakeFields, required=False))
@blueprint.response(200, schemas.list_of(TakenRequest))
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="As many others are connected as may be.")
def take_requests(listener: str) -> Response:
    """Take up to `limit` requests that wait for this listener, the oldest first. Waits up to `wait` seconds for the
    first. Each is given once: if this response gets lost, the attempt ends at its deadline and is tried again."""
    if not is_name(listener):
        raise invalid({"listener": [f"must be {NAMES}, got {shown(listener)}"]})
    values, account_id, limit = load_optional(TakeFields()), caller().account_id, settings().max_listeners
    if not listener_store.note_seen(account_id, listener, limit, clock.now()):
        raise ApiError(409, f"There may be at most {limit} listeners at once; end another first, or wait for a minute.")
    taken = _awaited(account_id, listener, values["limit"], values["wait"])
    now = clock.now()
    return respond({"data": [_taken(request, now) for request in taken]})


@blueprint.route("/listeners/<listener>/requests/<request_id>/answer", methods=["POST"])
@blueprint.arguments(AnswerFields())
@blueprint.response(200, schemas.single(Answered))
@blueprint.alt_response(404, schema=schemas.ErrorResponse, description="This listener has taken no such request.")
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="It has been answered already.")
@blueprint.alt_response(410, schema=schemas.ErrorResponse, description="The attempt has ended.")
def answer_request(values: dict[str, Any], listener: str, request_id: str) -> Response:
    """Answer a request that this listener has taken: with the response of its own server, or with the error that came
    in its place. It counts as that of any target."""
    kept = {name: values.get(name) for name in ("status", "headers", "truncated", "error")}
    answer = Answer(compact(kept), values.get("body_base64"))
    reply = open_requests.answer(caller().account_id, listener, uuid_in_path(request_id), answer, clock.now())
    if reply is Reply.UNKNOWN:
        raise not_found()
    if reply in REFUSALS:
        raise REFUSALS[reply]
    return respond({"data": {"accepted": True}})


def _awaited(account_id: int, listener: str, limit: int, wait_s: float) -> list[Taken]:
    taken = open_requests.take(account_id, listener, limit, clock.now())
    if taken or not wait_s or not held_threads.places.take(account_id):
        return taken
    try:
        ends_s = time.monotonic() + wait_s
        while not taken and time.monotonic() < ends_s and not signals.stopping.wait(LOOK_EVERY_S):
            taken = open_requests.take(account_id, listener, limit, clock.now())
        return taken
    finally:
        held_threads.places.free(account_id)


def _shape(row: listener_store.Listener, now: int) -> dict[str, Any]:
    is_connected = listener_store.is_connected(row.seen_at, now)
    fields = {"name": row.name, "connected": is_connected, "seen_at": micros_utc(row.seen_at)}
    return {**fields, "waiting": row.waiting, "taken": row.taken}


def _taken(taken: Taken, now: int) -> dict[str, Any]:
    sent = json.loads(taken.request)
    return {
        "id": taken.uuid,
        "job_id": taken.job_id,
        "attempt": taken.attempt,
        "method": sent["method"],
        "path": sent["path"],
        "headers": sent["headers"],
        "body_base64": None if taken.body is None else as_base64(bytes(taken.body)),
        "seconds_left": (taken.deadline_at - now) / clock.SECOND,
        "keep_bytes": settings().keep_response_bytes,
    }
