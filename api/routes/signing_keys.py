"""Serves /signing-keys: the secrets that sign the requests of an account. A secret is shown once, when it is made."""

import json
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields

from api.auth import caller
from api.blueprint import Blueprint
from api.requests.alert_fields import A_NAME, MAX_NAME_CHARS, read_name
from api.requests.fields import Must
from api.requests.idempotency import KEY_PARAMETER, respond_once
from api.requests.ids import uuid_in_path
from api.requests.job_values import A_DURATION, duration_form
from api.requests.reading.body import load_optional
from api.requests.reading.strict_schema import Strict
from api.requests.text_forms import B64, pattern_form, printable_form
from api.responses import schemas
from api.responses.responses import ApiError, or_not_found, respond
from api.responses.timestamps import micros_utc
from models.jobs.job_json import compact
from models.rules import clock, signatures, times
from models.webhooks import signing_keys
from models.webhooks.webhook_tables import SigningKey as SigningKeyRow

blueprint = Blueprint("signing_keys", __name__, description="Secrets that sign what is sent.")


class NewSigningKey(Schema):
    id = fields.UUID()
    secret = fields.String(
        allow_none=True, metadata={"description": "Shown this once. Null in a repeated response whose key is deleted."}
    )


class SigningKey(Schema):
    id = fields.UUID()
    name = fields.String(allow_none=True)
    inserted_at = schemas.instant()
    ends_at = schemas.instant(allow_none=True)
    live = fields.Boolean(metadata={"description": "Whether it signs now."})


def shape(key: SigningKeyRow, now: int) -> dict[str, Any]:
    return {
        "id": key.uuid,
        "name": key.name,
        "inserted_at": micros_utc(key.created_at),
        "ends_at": micros_utc(key.ends_at),
        "live": key.ends_at is None or key.ends_at > now,
    }


# 24 to 64 bytes: 8 to 21 groups of three, and what is left.
SECRET_FORM = pattern_form(
    f"{signatures.PREFIX}(({B64}{{4}}){{8,20}}({B64}{{4}}|{B64}{{2}}==|{B64}{{3}}=)?|({B64}{{4}}){{21}}({B64}{{2}}==)?)",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
)


def read_secret(value: Any) -> str:
    """The error does not quote the value: it may be nearly a secret."""
    try:
        signatures.key_of(value)
    except (ValueError, AttributeError, TypeError):
        raise ValidationError(f"must be {signatures.EXPECTED}, got another text") from None
    return str(value)


AFTER_FORM = duration_form(0, signing_keys.LONGEST_AFTER_US // 1_000_000)


def read_after(value: Any) -> int:
    """Microseconds."""
    after = times.parse_duration(value)
    if after > signing_keys.LONGEST_AFTER_US:
        raise ValueError
    return after


class NewKey(Strict):
    """What POST /signing-keys takes."""

    secret = Must(signatures.EXPECTED, read_secret, SECRET_FORM, allow_none=True)
    name = Must(A_NAME, read_name, printable_form(MAX_NAME_CHARS), allow_none=True)


class Retirement(Strict):
    """What POST /signing-keys/{id}/retire takes."""

    after = Must(f"{A_DURATION}, at most 366 days", read_after, AFTER_FORM, load_default=0)


@blueprint.route("/signing-keys", methods=["POST"])
@blueprint.doc(
    description="`secret`: your own instead of a new one. `name`: by which you know the key in lists.",
    requestBody=schemas.body_of(NewKey, required=False),
    parameters=[KEY_PARAMETER],
)
@blueprint.response(201, schemas.single(NewSigningKey), description="The key's id and, this once, its secret.")
@blueprint.alt_response(409, schema=schemas.ErrorResponse, description="Two keys are live already.")
def create_signing_key() -> Response:
    """Make a signing key."""
    values = load_optional(NewKey())
    return respond_once(values, lambda now: _create(values, now), _with_secret)


def _create(values: dict[str, Any], now: int) -> tuple[int, str]:
    """The key's id alone: its secret is stored in one table only, not with the response."""
    key = signing_keys.create(caller().account_id, values.get("secret"), now, values.get("name"))
    if key is None:
        message = f"There may be at most {signing_keys.MAX_LIVE} live signing keys; retire one of them first."
        raise ApiError(409, message)
    return 201, compact({"id": key.uuid})


def _with_secret(text: str) -> str:
    key_id = json.loads(text)["id"]
    secrets = {key.uuid: key.secret for key in signing_keys.listed(caller().account_id)}
    return compact({"data": {"id": key_id, "secret": secrets.get(key_id)}})


@blueprint.route("/signing-keys", methods=["GET"])
@blueprint.response(200, schemas.list_of(SigningKey))
def list_signing_keys() -> Response:
    """Every signing key, oldest first, without its secret."""
    now = clock.now()
    return respond({"data": [shape(key, now) for key in signing_keys.listed(caller().account_id)]})


@blueprint.route("/signing-keys/<key>/retire", methods=["POST"])
@blueprint.doc(
    description="`after`: how long the key keeps signing; 0 by default.",
    requestBody=schemas.body_of(Retirement, required=False),
)
@blueprint.response(200, schemas.single(SigningKey))
def retire_signing_key(key: str) -> Response:
    """End a signing key, at once or later."""
    return _retired(key, load_optional(Retirement())["after"])


@blueprint.route("/signing-keys/<key>", methods=["DELETE"])
@blueprint.response(200, schemas.single(SigningKey))
def delete_signing_key(key: str) -> Response:
    """End a signing key at once."""
    return _retired(key, 0)


def _retired(key: str, after_us: int) -> Response:
    now = clock.now()
    retired = or_not_found(signing_keys.retire(caller().account_id, uuid_in_path(key), now + after_us, now))
    return respond({"data": shape(retired, now)})
