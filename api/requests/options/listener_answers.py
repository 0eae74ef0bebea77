"""Reads what a listener sends: how many requests it wants, and what its own server answered to one."""

import re
from typing import Any

from marshmallow import ValidationError, validates_schema

from api.requests.fields import Must, choice, flag, number_form, whole
from api.requests.job_values import A_BASE64, read_base64
from api.requests.reading.strict_schema import Strict
from api.requests.text_forms import BASE64_FORM, HEADER_NAME_FORM, HEADER_VALUE_FORM
from models.operations.listening.open_requests import ERRORS
from models.rules.request_rules import is_token
from models.rules.times import is_number

LONGEST_WAIT_S = 20
MOST_AT_ONCE = 50
MAX_HEADERS, MAX_HEADER_BYTES = 100, 64 * 1024  # as many as the transport takes from any target
HEADERS = f"a list of at most {MAX_HEADERS} pairs of a header's name and its value"
_PAIR = {
    "type": "array",
    "prefixItems": [HEADER_NAME_FORM, HEADER_VALUE_FORM],
    "items": {"type": "string"},  # for who knows no prefixItems
    "minItems": 2,
    "maxItems": 2,
    "example": ["Content-Type", "text/plain"],
}
_TEXT = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
HEADERS_FORM = {"type": "array", "maxItems": MAX_HEADERS, "items": _PAIR}


def read_wait(value: Any) -> float:
    if not is_number(value) or not 0 <= value <= LONGEST_WAIT_S:
        raise ValueError
    return float(value)


def read_headers(value: Any) -> list[list[str]]:
    """The pairs; no error quotes a value, which may be a secret."""
    if not isinstance(value, list) or len(value) > MAX_HEADERS or not all(map(_is_pair, value)):
        raise ValidationError(f"must be {HEADERS}, got something else")
    if not all(is_token(name) and _TEXT.fullmatch(text) for name, text in value):
        raise ValidationError("must be names and values of HTTP headers, got others")
    if sum(len(name) + len(text) for name, text in value) > MAX_HEADER_BYTES:
        raise ValidationError(f"must be at most {MAX_HEADER_BYTES} characters together, got more")
    return [[name, text.strip(" \t")] for name, text in value]


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(text, str) for text in value)


class TakeFields(Strict):
    """What POST /listeners/{name}/take takes."""

    limit = whole(1, MOST_AT_ONCE, load_default=10)
    wait = Must(
        f"a number of seconds from 0 to {LONGEST_WAIT_S}",
        read_wait,
        number_form(0, LONGEST_WAIT_S),
        load_default=float(LONGEST_WAIT_S),
    )


class AnswerFields(Strict):
    """What POST /listeners/{name}/requests/{id}/answer takes: a status with what belongs to it, or an error."""

    status = whole(200, 599)
    headers = Must(HEADERS, read_headers, HEADERS_FORM, load_default=list)
    body_base64 = Must(A_BASE64, read_base64, BASE64_FORM, allow_none=True)
    truncated = flag(load_default=False)
    error = choice(tuple(ERRORS))

    @validates_schema(skip_on_field_errors=False)
    def check_status_or_error(self, data: dict[str, Any], **_: Any) -> None:
        if ("status" in data) == ("error" in data):
            got = "both" if "status" in data else "neither"
            raise ValidationError(f"must be there when error is not, got {got}", "status")
