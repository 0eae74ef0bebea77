"""Reads what a job's owner counts as success, and which statuses end the job at once.

Pure. The results are JSON as workers/delivery/judge.py takes it: patterns of models/rules/statuses.py, in order.
"""

from typing import Any

from marshmallow import ValidationError

from api.requests.fields import number_form, plain_form, shown
from models.rules import statuses

MAX_STATUSES = 50
MAX_TEXT_CHARS = 1000
STATUS = 'a status from 200 to 999, or a class of them such as "4xx"'
STATUSES = f'a list of 1 to {MAX_STATUSES} statuses and classes of them, such as ["2xx", 409]'
SUCCESS = 'an object with status, body or both, such as {"status": ["2xx", 409], "body": "ok"}'
A_TEXT = f"a string of 1 to {MAX_TEXT_CHARS} characters"

STATUS_FORM = {"anyOf": [number_form(200, 999, "integer"), {"type": "string", "pattern": "^[2-9]([0-9]{2}|[xX]{2})$"}]}
STATUSES_FORM = {"type": "array", "items": STATUS_FORM, "minItems": 1, "maxItems": MAX_STATUSES}
SUCCESS_FORM = {
    "type": "object",
    "properties": {"status": STATUSES_FORM, "body": plain_form(MAX_TEXT_CHARS, 1)},
    "minProperties": 1,
    "additionalProperties": False,
}


def read_success(value: Any) -> dict[str, Any]:
    """The statuses and the text of the body that a success has."""
    if not isinstance(value, dict) or not value:
        raise ValueError
    unknown = {name: ["unknown field"] for name in value if name not in ("status", "body")}
    if unknown:
        raise ValidationError(unknown)
    success: dict[str, Any] = {}
    if "status" in value:
        success["status"] = _statuses(value["status"], "status")
    if "body" in value:
        success["body"] = _text(value["body"], "body")
    return success


def read_stop_on(value: Any) -> list[str]:
    """The statuses that end the job."""
    return _statuses(value, "")


def _statuses(value: Any, path: str) -> list[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_STATUSES:
        raise ValidationError({path: [f"must be {STATUSES}, got {shown(value)}"]})
    return sorted({_status(each, f"{path}.{number}".strip(".")) for number, each in enumerate(value)})


def _status(value: Any, path: str) -> str:
    pattern = str(value).lower() if isinstance(value, int | str) else ""
    if not statuses.is_pattern(pattern):
        raise ValidationError({path: [f"must be {STATUS}, got {shown(value)}"]})
    return pattern


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT_CHARS:
        raise ValidationError({path: [f"must be {A_TEXT}, got {shown(value)}"]})
    return value
