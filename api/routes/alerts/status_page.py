"""Serves /status-page: the address of the account's status page, which shows without a key how its schedules fare."""

from flask import Response
from marshmallow import Schema, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.context import settings
from api.responses import schemas
from api.responses.responses import not_found, respond
from models.alerts import status_pages
from models.rules import clock

blueprint = Blueprint("status_pages", __name__, description="A page on which others see how all schedules fare.")


class StatusPageAddress(Schema):
    url = fields.String(allow_none=True, metadata={"description": "null: there is no page."})


@blueprint.route("/status-page", methods=["GET"])
@blueprint.response(200, schemas.single(StatusPageAddress))
def get_status_page() -> Response:
    """The address of the page."""
    return _address(status_pages.token_of(caller().account_id))


@blueprint.route("/status-page", methods=["POST"])
@blueprint.response(200, schemas.single(StatusPageAddress))
def renew_status_page() -> Response:
    """Make the page, or give it another address: the one before leads nowhere from now on."""
    return _address(status_pages.renew(caller().account_id, clock.now()))


@blueprint.route("/status-page", methods=["DELETE"])
@blueprint.response(204)
def revoke_status_page() -> Response:
    """Take the page away."""
    if not status_pages.revoke(caller().account_id):
        raise not_found()
    return Response(status=204)


def _address(token: str | None) -> Response:
    return respond({"data": {"url": None if token is None else f"{settings().own_url}/status/{token}"}})
