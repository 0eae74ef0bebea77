"""Signs requests by Standard Webhooks 1.0, and makes and checks the secrets. Pure.

A secret is `whsec_` and the base64 of 24 to 64 random bytes. The signed payload is `id.timestamp.body`, byte for byte.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Collection

PREFIX = "whsec_"
NEW_BYTES = 32
MIN_BYTES, MAX_BYTES = 24, 64
EXPECTED = f"{PREFIX} and the base64 of {MIN_BYTES} to {MAX_BYTES} random bytes"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(NEW_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key of a secret; ValueError, which never quotes the text, when it is no secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("no base64") from None
    if not secret.startswith(PREFIX) or not MIN_BYTES <= len(key) <= MAX_BYTES:
        raise ValueError("another form")
    return key


def headers_for(signing_secrets: Collection[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed request, one signature for each secret; none at all without a secret."""
    if not signing_secrets:
        return {}
    payload = f"{message_id}.{timestamp_s}.".encode() + body
    signed = [signature(key_of(secret), payload) for secret in signing_secrets]
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp_s), "webhook-signature": " ".join(signed)}


def signature(key: bytes, payload: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, payload, hashlib.sha256).digest()).decode()
