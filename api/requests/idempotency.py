"""Owns the header `Idempotency-Key`: the answer to a request that names one is kept and given again."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from api.auth import caller
from api.requests.fields import shown
from api.requests.job_fields import KEY_EXPECTED, read_key
from api.requests.job_requests import fingerprint
from api.responses.responses import invalid, json_response
from models.jobs import idempotent_requests
from models.jobs.idempotent_requests import KeyReused
from models.rules import clock

KEY_HEADER = "Idempotency-Key"
USED_MESSAGE = "must be a new key for a request with other fields, got one used within the last 24 hours"


def respond_once(sent: dict[str, Any], make: Callable[[int], tuple[int, str]]) -> Response:
    """The answer that `make(now)` gives as status code and JSON text, or the one kept for this key and these fields."""
    now, key = clock.now(), request.headers.get(KEY_HEADER)
    if key is None:
        status, text = make(now)
        return json_response(text, status)
    checked, same = _checked_key(key), fingerprint(sent)
    try:
        kept = idempotent_requests.respond_once(caller().account_id, checked, same, now, lambda: make(now))
    except KeyReused:
        raise invalid({KEY_HEADER: [USED_MESSAGE]}) from None
    return json_response(kept.text, kept.status_code, {"Idempotent-Replayed": "true"} if kept.replayed else None)


def _checked_key(key: str) -> str:
    try:
        return read_key(key)
    except ValueError:
        raise invalid({KEY_HEADER: [f"must be {KEY_EXPECTED}, got {shown(key)}"]}) from None
