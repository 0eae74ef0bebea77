"""Owns the routes under /signing-keys: the secrets that sign what is sent on behalf of an account.

A secret is answered once, when its key is made.
"""

from typing import Any

from flask import Response
from marshmallow import ValidationError

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.fields import Must, Strict
from api.requests.ids import uuid_key
from api.requests.job_fields import A_DURATION
from api.requests.optional_body import optional_fields
from api.responses import schemas as shown_as
from api.responses.responses import ApiError, not_found, respond
from api.responses.timestamps import micros_utc
from models.rules import clock, signatures, times
from models.webhooks import signing_keys
from models.webhooks.webhook_tables import SigningKey

blueprint = Blueprint("signing_keys", __name__, description="Secrets that sign what is sent.")


def read_secret(value: Any) -> str:
    """The error does not tell what came: it may be nearly right."""
    try:
        signatures.key_of(value)
    except (ValueError, AttributeError, TypeError):
        raise ValidationError(f"must be {signatures.EXPECTED}, got another text") from None
    return str(value)


def read_after(value: Any) -> int:
    """Microseconds."""
    after = times.parse_duration(value)
    if after > signing_keys.LONGEST_AFTER_US:
        raise ValueError
    return after


class NewKey(Strict):
    """What POST /signing-keys takes."""

    secret = Must(signatures.EXPECTED, read_secret, "string", allow_none=True)


class Retirement(Strict):
    """What POST /signing-keys/{id}/retire takes."""

    after = Must(f"{A_DURATION}, at most 366 days", read_after, load_default=0)


@blueprint.route("/signing-keys", methods=["POST"])
@blueprint.doc(description="`secret`: one of your own instead of a fresh one.")
@blueprint.response(201, shown_as.NewSigningKeyResponse, description="The key's id and, this once, its secret.")
@blueprint.alt_response(409, schema=shown_as.ErrorResponse, description="Two keys live already.")
def create() -> Response:
    """Make a signing key."""
    made = signing_keys.create(caller().account_id, optional_fields(NewKey()).get("secret"), clock.now())
    if made is None:
        message = f"There may be at most {signing_keys.MAX_LIVE} live signing keys; retire one of them first."
        raise ApiError(409, message)
    return respond({"data": {"id": made.uuid, "secret": made.secret}}, 201)


@blueprint.route("/signing-keys", methods=["GET"])
@blueprint.response(200, shown_as.SigningKeysResponse)
def list_keys() -> Response:
    """Every signing key, oldest first, without its secret."""
    now = clock.now()
    return respond({"data": [shape(key, now) for key in signing_keys.listed(caller().account_id)]})


@blueprint.route("/signing-keys/<key>/retire", methods=["POST"])
@blueprint.doc(description="`after`: how long the key goes on signing; 0 unless given.")
@blueprint.response(200, shown_as.SigningKeyResponse)
def retire(key: str) -> Response:
    """Let a signing key end, at once or later."""
    return _retired(key, optional_fields(Retirement())["after"])


@blueprint.route("/signing-keys/<key>", methods=["DELETE"])
@blueprint.response(200, shown_as.SigningKeyResponse)
def delete(key: str) -> Response:
    """Let a signing key end at once."""
    return _retired(key, 0)


def shape(key: SigningKey, now: int) -> dict[str, Any]:
    return {
        "id": key.uuid,
        "inserted_at": micros_utc(key.created_at),
        "ends_at": micros_utc(key.ends_at),
        "live": key.ends_at is None or key.ends_at > now,
    }


def _retired(key: str, after_us: int) -> Response:
    now, uuid = clock.now(), uuid_key(key)
    retired = signing_keys.retire(caller().account_id, uuid, now + after_us, now) if uuid else None
    if retired is None:
        raise not_found()
    return respond({"data": shape(retired, now)})
