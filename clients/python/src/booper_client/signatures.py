"""Verifies what Booper signed: Standard Webhooks 1.0, as docs/webhooks.md describes it."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from booper_client.errors import SignatureError

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"


def verify(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None, tolerance: float | None = None
) -> Any:
    """The JSON of a request that Booper signed; None for an empty body. SignatureError for any other request.

    `body`: the bytes as they came. `headers`: those of the request, in any case. `secret`: `whsec_…`.
    `now`: seconds since 1970. `tolerance`: how many seconds the signature may be off, 300 by default.
    """
    values = {str(name).lower(): value for name, value in headers.items()}
    identifier, timestamp = _header(values, "webhook-id"), _header(values, "webhook-timestamp")
    _check_age(timestamp, time.time() if now is None else now, TOLERANCE_SECONDS if tolerance is None else tolerance)
    wanted = signature(_key(secret), identifier, timestamp, body)
    signatures = _header(values, "webhook-signature").split(" ")
    if not any(hmac.compare_digest(wanted.encode(), each.encode()) for each in signatures):
        raise SignatureError(
            "no signature is by this secret: is it the key of another account, or was the body changed?"
        )
    return _json(body)


def signature(key: bytes, identifier: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC-SHA256 of `identifier.timestamp.body`."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _header(values: Mapping[str, str], name: str) -> str:
    try:
        return values[name]
    except KeyError:
        raise SignatureError(f"the header {name} is missing: has the account a signing key?") from None


def _check_age(timestamp: str, now: float, tolerance: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise SignatureError("the header webhook-timestamp must be a number of seconds since 1970")
    if abs(now - int(timestamp)) > tolerance:
        raise SignatureError(f"the request was signed more than {tolerance:g} seconds from now")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("the secret must be whsec_ and base64, as Booper showed it") from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        raise SignatureError("the body is signed, but is no JSON: read it yourself") from None
