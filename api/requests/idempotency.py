"""Responds once to a request with the header `Idempotency-Key`, and in the same way when it is repeated.

Every POST that makes something passes here, also without the header.
"""

from collections.abc import Callable
from typing import Any

from flask import Response, g, request

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
# Their fields differ, and responses that an earlier version kept have no address.
OF_JOBS = ("/api/jobs", "/api/jobs/batch")


def respond_once(
    sent: dict[str, Any], make: Callable[[int], tuple[int, str]], completed: Callable[[str], str] = lambda text: text
) -> Response:
    """The response that `make(now)` gives as status code and JSON text, or the one stored for this key, address and
    fields. `completed`: adds to the text what must not be stored with it."""
    now, key = clock.now(), request.headers.get(KEY_HEADER)
    if key is None or "caller" not in g:  # the open demo channel has no account whose key it could be
        status, text = make(now)
        return json_response(completed(text), status)
    arguments = (caller().account_id, _checked_key(key), fingerprint(_with_address(sent)), now)
    try:
        stored = idempotent_requests.respond_once(*arguments, lambda: make(now))
    except KeyReused:
        raise invalid({KEY_HEADER: [USED_MESSAGE]}) from None
    headers = {"Idempotent-Replayed": "true"} if stored.replayed else None
    return json_response(completed(stored.text), stored.status_code, headers)


def _with_address(sent: dict[str, Any]) -> dict[str, Any]:
    """The fields, and where they were sent: the same fields make something else at another address."""
    return sent if request.path in OF_JOBS else {"address": request.path, "fields": sent}


def _checked_key(key: str) -> str:
    try:
        return read_key(key)
    except ValueError:
        raise invalid({KEY_HEADER: [f"must be {A_KEY}, got {shown(key)}"]}) from None
