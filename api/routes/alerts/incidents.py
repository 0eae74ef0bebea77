"""Serves /incidents: what went wrong, since when, and who was notified of it."""

from typing import Any

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must, choice, order_by, words_form
from api.requests.gate_fields import read_until
from api.requests.ids import uuid_in_path
from api.requests.job_values import AN_INSTANT, INSTANT_FORM
from api.requests.paging import NEXT_HEADERS, PageQuery, page_response
from api.requests.reading.body import load_optional
from api.requests.reading.strict_schema import Strict
from api.responses import schemas
from api.responses.responses import or_not_found, respond
from api.responses.timestamps import micros_utc
from models.alerts import conditions, incident_store, messages, ways
from models.alerts.messages import IncidentRow
from models.jobs.job_json import compact
from models.jobs.states import STATES
from models.rules import clock

blueprint = Blueprint("incidents", __name__, description="What went wrong, and who was notified.")
LATEST_FIRST = ("opened_at", "desc")


class Notification(Schema):
    type = fields.String(metadata=words_form(messages.TYPES))
    way = fields.String(metadata=words_form(ways.WAYS))
    to = fields.String(metadata={"description": "Without its secret."})
    inserted_at = schemas.instant()
    job_id = fields.UUID(allow_none=True)
    state = fields.String(
        allow_none=True,
        metadata=words_form(STATES) | {"description": "Of the job that sends it; null: it is deleted."},
    )


class Subject(Schema):
    subject = fields.String()
    began_at = schemas.instant()
    ended_at = schemas.instant(allow_none=True)


class Incident(Schema):
    id = fields.UUID()
    alert = fields.String(metadata={"description": "The name of the rule."})
    type = fields.String(metadata=words_form(conditions.CONDITIONS))
    subject = fields.String(metadata={"description": "schedule: and its id, host: and its name, gate: and its id."})
    title = fields.String()
    detail = fields.String()
    subjects = fields.Integer(metadata={"description": "How many schedules or gates it has been about."})
    flapping = fields.Boolean()
    opened_at = schemas.instant()
    closed_at = schemas.instant(allow_none=True)
    acknowledged_at = schemas.instant(allow_none=True)
    muted_until = schemas.instant(allow_none=True)


class WholeIncident(Incident):
    affected = fields.List(fields.Nested(Subject), metadata={"description": "The first 100, open ones first."})
    notifications = fields.List(fields.Nested(Notification))


class IncidentsQuery(PageQuery):
    """What GET /incidents takes."""

    listing = incident_store.LISTING
    order_by = order_by(listing.orders, load_default=LATEST_FIRST)
    state = choice(incident_store.STATES)


class MuteFields(Strict):
    """What POST /incidents/{id}/mute takes. `until`: absent for a day, null unmutes."""

    until = Must(f"{AN_INSTANT}, in the future", read_until, INSTANT_FORM, allow_none=True)


def whole_shape(incident: IncidentRow) -> dict[str, Any]:
    affected = [
        {"subject": each.subject, "began_at": micros_utc(each.began_at), "ended_at": micros_utc(each.ended_at)}
        for each in incident_store.subjects_of(incident.id)
    ]
    sent = [
        {
            "type": each.type,
            "way": each.way,
            "to": each.address,
            "inserted_at": micros_utc(each.inserted_at),
            "job_id": each.job_uuid,
            "state": each.state,
        }
        for each in incident_store.notifications_of(incident.id)
    ]
    return messages.shape(incident) | {"affected": affected, "notifications": sent}


@blueprint.route("/incidents", methods=["GET"])
@blueprint.arguments(IncidentsQuery(), location="query")
@blueprint.response(200, schemas.list_of(Incident), headers=NEXT_HEADERS)
def list_incidents(query: dict[str, Any]) -> Response:
    """A page of incidents, the latest first by default."""
    page = query["page"]
    rows, end = incident_store.listed(caller().account_id, query.get("state"), page)
    return page_response(compact({"data": [messages.shape(row) for row in rows]}), page.order, end)


@blueprint.route("/incidents/<key>", methods=["GET"])
@blueprint.response(200, schemas.single(WholeIncident))
def get_incident(key: str) -> Response:
    """One incident, with whom it is about and what was sent."""
    return _respond(incident_store.find(caller().account_id, uuid_in_path(key)))


@blueprint.route("/incidents/<key>/acknowledge", methods=["POST"])
@blueprint.response(200, schemas.single(WholeIncident))
def acknowledge_incident(key: str) -> Response:
    """Say that somebody looks after it: it is not sent again while it is open."""
    return _respond(incident_store.acknowledge(caller().account_id, uuid_in_path(key), clock.now()))


@blueprint.route("/incidents/<key>/mute", methods=["POST"])
@blueprint.doc(requestBody=schemas.body_of(MuteFields, required=False))
@blueprint.response(200, schemas.single(WholeIncident))
def mute_incident(key: str) -> Response:
    """Send nothing about it until then, or for a day."""
    now = clock.now()
    until = load_optional(MuteFields()).get("until", now + clock.DAY)
    return _respond(incident_store.mute(caller().account_id, uuid_in_path(key), until, now))


@blueprint.route("/incidents/<key>/close", methods=["POST"])
@blueprint.response(200, schemas.single(WholeIncident))
def close_incident(key: str) -> Response:
    """Close it although its condition may hold."""
    return _respond(incident_store.close(caller().account_id, uuid_in_path(key), clock.now()))


def _respond(incident: IncidentRow | None) -> Response:
    return respond({"data": whole_shape(or_not_found(incident))})
