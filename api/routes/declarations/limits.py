"""Serves /declarations/limits: how many of each kind an account has and may have, so that a deployment looks before it
acts. Kinds without a limit are left out."""

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.context import settings
from api.requests.fields import words_form
from api.responses import schemas
from api.responses.responses import respond
from api.routes.declarations.declaration_check import blueprint
from models.accounts import target_groups
from models.alerts import alert_store
from models.schedules import schedule_store
from models.schedules.calendars import calendar_store
from models.webhooks import endpoints

CALENDARS, GROUPS, ENDPOINTS, SCHEDULES, ALERTS = KINDS = ("calendars", "groups", "endpoints", "schedules", "alerts")


class DeclarationLimit(Schema):
    kind = fields.String(metadata=words_form(KINDS))
    limit = fields.Integer(metadata={"description": "The most that an account may have."})
    used = fields.Integer(metadata={"description": "Of schedules: those that are enabled and not finished."})


@blueprint.route("/declarations/limits", methods=["GET"])
@blueprint.response(200, schemas.list_of(DeclarationLimit))
def list_declaration_limits() -> Response:
    """How many of each kind the account has, and may have."""
    limits = [
        (CALENDARS, calendar_store.MAX_CALENDARS, calendar_store.total),
        (GROUPS, target_groups.MAX_GROUPS, target_groups.total),
        (ENDPOINTS, endpoints.MAX_ENDPOINTS, endpoints.total),
        (SCHEDULES, settings().max_schedules, schedule_store.enabled_total),
        (ALERTS, alert_store.MAX_ALERTS, alert_store.total),
    ]
    owner = caller().account_id
    return respond({"data": [{"kind": kind, "limit": limit, "used": total(owner)} for kind, limit, total in limits]})
