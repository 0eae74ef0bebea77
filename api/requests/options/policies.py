"""Reads the policies of a job: the backoff after a failure, and the headers and bodies to hide.

Pure. The results are JSON as models/rules/backoff.py and workers/delivery/attempt_records.py take it.
"""

from typing import Any

from marshmallow import ValidationError

from api.requests.fields import number_form, shown, words_form
from api.requests.text_forms import HEADER_NAME_FORM
from models.rules import times
from models.rules.backoff import ENGINE, LONGEST_DELAY_S
from models.rules.request_rules import is_token

MAX_DELAYS = 100
MAX_HIDDEN = 50
BACKOFF = (
    f'"{ENGINE}", {{"fixed": seconds}}, {{"exponential": {{"base": seconds, "factor": number, "cap": seconds}}}} '
    f'or a list of 1 to {MAX_DELAYS} delays in seconds, as {{"delays": […]}} too; objects may add "jitter": "full"'
)
EXPONENTIAL = {"base": (0, LONGEST_DELAY_S), "factor": (1, 1000), "cap": (0, LONGEST_DELAY_S)}

_DELAY = number_form(0, LONGEST_DELAY_S)
_DELAYS = {"type": "array", "items": _DELAY, "minItems": 1, "maxItems": MAX_DELAYS}
_CURVE = {name: number_form(low, high) for name, (low, high) in EXPONENTIAL.items()}
_EXPONENTIAL = {"type": "object", "properties": _CURVE, "required": list(_CURVE), "additionalProperties": False}
_RULES = {"fixed": _DELAY, "delays": _DELAYS, "exponential": _EXPONENTIAL}


def _rule_form(name: str) -> dict[str, Any]:
    """A rule by its name, perhaps with jitter."""
    members = {name: _RULES[name], "jitter": words_form(["full"])}
    return {"type": "object", "properties": members, "required": [name], "additionalProperties": False}


BACKOFF_FORM = {"anyOf": [words_form([ENGINE]), _DELAYS, *map(_rule_form, _RULES)]}
REDACT_FORM = {"type": "array", "items": HEADER_NAME_FORM, "maxItems": MAX_HIDDEN}


def read_backoff(value: Any) -> Any:
    """The policy as it was sent, checked; None for the engine's rule."""
    if value == ENGINE:
        return None
    if isinstance(value, list):
        return _delays(value, "")
    if not isinstance(value, dict):
        raise ValueError
    kinds = value.keys() - {"jitter"}
    if len(kinds) != 1 or value.get("jitter", "full") != "full":
        raise ValueError
    (kind,) = kinds
    {"fixed": _seconds, "delays": _delays, "exponential": _exponential}[kind](value[kind], kind)
    return value


def read_redact(value: Any) -> list[str]:
    """Header names in lower case and `body`, each once."""
    if not isinstance(value, list) or len(value) > MAX_HIDDEN:
        raise ValueError
    for name in value:
        if not isinstance(name, str) or not is_token(name):
            raise ValueError
    return sorted({name.lower() for name in value})


def _seconds(value: Any, path: str) -> Any:
    return _number(value, path, 0, LONGEST_DELAY_S)


def _delays(value: Any, path: str) -> Any:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_DELAYS:
        raise ValidationError({path: [f"must be a list of 1 to {MAX_DELAYS} delays in seconds, got {shown(value)}"]})
    for number, delay in enumerate(value):
        _seconds(delay, f"{path}.{number}".strip("."))
    return value


def _exponential(value: Any, path: str) -> Any:
    if not isinstance(value, dict) or value.keys() != EXPONENTIAL.keys():
        raise ValidationError({path: [f"must be an object of base, factor and cap, got {shown(value)}"]})
    for name, (low, high) in EXPONENTIAL.items():
        _number(value[name], f"{path}.{name}", low, high)
    return value


def _number(value: Any, path: str, low: float, high: float) -> Any:
    if not times.is_number(value) or not low <= value <= high:
        raise ValidationError({path: [f"must be a number from {low} to {high}, got {shown(value)}"]})
    return value
