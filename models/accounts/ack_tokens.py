"""Makes and checks the tokens by which a target may acknowledge one attempt, and nothing else.

A token is the base64 of a job's id, the fence of its claim, and the HMAC-SHA256 of both. Whoever has it needs no API
key; whoever guesses has to guess 256 bits. The secret is that of the sessions (`session_store.session_secret`), under
another name, so no token of one kind passes for another.
"""

import base64
import binascii
import hmac
import struct
from typing import NamedTuple

FORM = struct.Struct(">QQ32s")
PURPOSE = b"booper acknowledgement "


class Attempted(NamedTuple):
    """The attempt that a token is for."""

    job_id: int
    claim_id: int


def token_of(attempted: Attempted, secret: str) -> str:
    """64 characters that may stand in a URL."""
    return base64.urlsafe_b64encode(FORM.pack(*attempted, _mac(attempted, secret))).decode()


def attempted_by(token: str, secret: str) -> Attempted | None:
    """The attempt of a token; None for a text that is no token made with this secret."""
    try:
        job_id, claim_id, mac = FORM.unpack(base64.b64decode(token.encode("ascii"), b"-_", validate=True))
    except (ValueError, binascii.Error, struct.error):
        return None
    attempted = Attempted(job_id, claim_id)
    return attempted if hmac.compare_digest(mac, _mac(attempted, secret)) else None


def _mac(attempted: Attempted, secret: str) -> bytes:
    return hmac.digest(secret.encode(), PURPOSE + struct.pack(">QQ", *attempted), "sha256")
