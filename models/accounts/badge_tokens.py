"""Makes and checks the tokens of badges: whoever has one may see how one schedule is doing, and nothing else.

A token is the base64 of an account's id, its schedule's UUID, and 192 bits of the HMAC-SHA256 of both. The secret is
that of the sessions (`session_store.session_secret`), under another name, so no token of one kind passes for another.
"""

import base64
import binascii
import hmac
import struct
import uuid
from typing import NamedTuple

FORM = struct.Struct(">Q16s24s")
PURPOSE = b"booper badge "
MAC_BYTES = 24


class Badge(NamedTuple):
    """The schedule that a token is for."""

    account_id: int
    schedule_id: str


def token_of(badge: Badge, secret: str) -> str:
    """64 characters that may stand in a URL."""
    key = uuid.UUID(badge.schedule_id).bytes
    return base64.urlsafe_b64encode(FORM.pack(badge.account_id, key, _mac(badge.account_id, key, secret))).decode()


def badge_of(token: str, secret: str) -> Badge | None:
    """The schedule of a token; None for a text that is no token made with this secret."""
    try:
        account_id, key, mac = FORM.unpack(base64.b64decode(token.encode("ascii"), b"-_", validate=True))
    except (ValueError, binascii.Error, struct.error):
        return None
    if not hmac.compare_digest(mac, _mac(account_id, key, secret)):
        return None
    return Badge(account_id, str(uuid.UUID(bytes=key)))


def _mac(account_id: int, key: bytes, secret: str) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE + struct.pack(">Q16s", account_id, key), "sha256")[:MAC_BYTES]
