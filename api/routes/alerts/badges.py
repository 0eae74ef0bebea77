"""Serves badges: how a schedule is doing, for a page that others see. The address is a capability of its own."""

import flask
from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.context import session_secret, settings
from api.responses import schemas
from api.responses.badge_svg import badge
from api.responses.responses import json_response, not_found, or_not_found, respond
from api.responses.schedule_health import Health, health
from api.routes.schedules import blueprint as schedules_blueprint
from api.routes.schedules import key_in_path
from models.accounts import badge_tokens
from models.accounts.badge_tokens import Badge
from models.jobs.job_json import compact
from models.schedules import run_results, schedule_store
from models.schedules.schedule_store import ScheduleRow

blueprint = Blueprint("badges", __name__, open_to_all=True, description="How a schedule is doing, for others to see.")
images = flask.Blueprint("badge_images", __name__)  # no part of OpenAPI, whose clients read JSON
COLORS = {"enabled": "#1a7f37", "late": "#9a6700", "discarded": "#cf222e", "cancelled": "#57606a"}
FRESH = {"Cache-Control": "public, max-age=30"}


class BadgeAddresses(Schema):
    state = fields.String(metadata={"description": "As the badge says it: on time, late, failing (3), disabled, …"})
    svg = fields.String()
    json = fields.String(metadata={"description": "In the form that the endpoint badge of shields.io reads."})


class ShieldsBadge(Schema):
    schemaVersion = fields.Integer()  # noqa: N815 - shields.io calls it so
    label = fields.String()
    message = fields.String()
    color = fields.String()


@schedules_blueprint.route("/schedules/<key>/badge", methods=["GET"])
@schedules_blueprint.response(200, schemas.single(BadgeAddresses))
def get_badge_addresses(key: str) -> Response:
    """How the schedule is doing, and the addresses at which others may see that without a key."""
    account_id = caller().account_id
    schedule = or_not_found(schedule_store.find(account_id, key_in_path(key)))
    token = badge_tokens.token_of(Badge(account_id, schedule.id), session_secret())
    svg, json = (f"{settings().own_url}{path}" for path in (f"/badges/{token}.svg", f"/api/badges/{token}.json"))
    return respond({"data": {"state": _health(account_id, schedule).word, "svg": svg, "json": json}})


@images.get("/badges/<token>.svg")
def draw_badge(token: str) -> Response:
    """The badge of a schedule."""
    label, state = _badge_of(token)
    text = badge(label, state.word, COLORS[state.look])
    return Response(text, 200, FRESH, mimetype="image/svg+xml")


@blueprint.route("/badges/<token>.json", methods=["GET"])
@blueprint.doc(security=[])
@blueprint.response(200, ShieldsBadge)
def describe_badge(token: str) -> Response:
    """The same for shields.io."""
    label, state = _badge_of(token)
    document = {"schemaVersion": 1, "label": label, "message": state.word, "color": COLORS[state.look]}
    return json_response(compact(document), 200, FRESH)


def _badge_of(token: str) -> tuple[str, Health]:
    """The label and the state; 404 for what is no token, and for the token of a deleted schedule."""
    badge = badge_tokens.badge_of(token, session_secret())
    schedule = schedule_store.find(*badge) if badge else None
    if badge is None or schedule is None:
        raise not_found()
    return schedule.name or "schedule", _health(badge.account_id, schedule)


def _health(account_id: int, schedule: ScheduleRow) -> Health:
    return health(schedule, run_results.latest(account_id, [schedule.id]).get(schedule.id, []))
