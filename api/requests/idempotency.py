"""Responds once to a request with the header `Idempotency-Key`, and in the same way when it is repeated.

`POST /api/jobs` and `POST /api/jobs/batch` pass here, also without the header.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from api.auth import caller
from api.requests.fields import shown
from api.requests.job_requests import fingerprint
from api.requests.job_values import A_KEY, KEY_FORM, read_key
from api.responses.responses import invalid, json_response
from models.jobs import idempotent_requests
from models.jobs.idempotent_requests import KeyReused
from models.rules import clock

KEY_HEADER = "Idempotency-Key"
KEY_PARAMETER = {
    "in": "header",
    "name": KEY_HEADER,
    "schema": KEY_FORM,
    "description": "The same fields with the same key get the same response again for 24 hours.",
}
USED_MESSAGE = "must be a new key for a request with other fields, got one used within the last 24 hours"


def respond_once(sent: dict[str, Any], make: Callable[[int], tuple[int, str]]) -> Response:
    """The response that `make(now)` gives as status code and JSON text, or the one stored for this key and fields."""
    now, key = clock.now(), request.headers.get(KEY_HEADER)
    if key is None:
        status, text = make(now)
        return json_response(text, status)
    arguments = (caller().account_id, _checked_key(key), fingerprint(sent), now)
    try:
        stored = idempotent_requests.respond_once(*arguments, lambda: make(now))
    except KeyReused:
        raise invalid({KEY_HEADER: [USED_MESSAGE]}) from None
    return json_response(stored.text, stored.status_code, {"Idempotent-Replayed": "true"} if stored.replayed else None)


def _checked_key(key: str) -> str:
    try:
        return read_key(key)
    except ValueError:
        raise invalid({KEY_HEADER: [f"must be {A_KEY}, got {shown(key)}"]}) from None
