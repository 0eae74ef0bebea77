"""Reads the policies of a job: the backoff after a failure, and the headers and bodies to hide.

Pure. The results are JSON as models/rules/backoff.py and workers/delivery/attempt_records.py take it.
"""

from typing import Any

from marshmallow import ValidationError

from api.requests.fields import number_form, shown, words_form
from api.requests.text_forms import DURATION_TEXT, HEADER_NAME_FORM
from models.rules import times
from models.rules.backoff import ENGINE, LONGEST_DELAY_S
from models.rules.clock import SECOND
from models.rules.request_rules import is_token

MAX_DELAYS = 100
MAX_HIDDEN = 50
MAX_FACTOR = 1000
BACKOFF = (
    f'"{ENGINE}", {{"fixed": delay}}, {{"exponential": {{"base": delay, "factor": number, "cap": delay}}}} '
    f'or a list of 1 to {MAX_DELAYS} delays, as {{"delays": […]}} too; objects may add "jitter": "full"; '
    "a delay is a number of seconds or a text such as 90s"
)

_DELAY = {"anyOf": [number_form(0, LONGEST_DELAY_S), DURATION_TEXT]}
_DELAYS = {"type": "array", "items": _DELAY, "minItems": 1, "maxItems": MAX_DELAYS}
_CURVE = {"base": _DELAY, "factor": number_form(1, MAX_FACTOR), "cap": _DELAY}
_EXPONENTIAL = {"type": "object", "properties": _CURVE, "required": list(_CURVE), "additionalProperties": False}
_RULES = {"fixed": _DELAY, "delays": _DELAYS, "exponential": _EXPONENTIAL}


def _rule_form(name: str) -> dict[str, Any]:
    """A rule by its name, perhaps with jitter."""
    members = {name: _RULES[name], "jitter": words_form(["full"])}
    return {"type": "object", "properties": members, "required": [name], "additionalProperties": False}


BACKOFF_FORM = {"anyOf": [words_form([ENGINE]), _DELAYS, *map(_rule_form, _RULES)]}
REDACT_FORM = {"type": "array", "items": HEADER_NAME_FORM, "maxItems": MAX_HIDDEN}


def read_backoff(value: Any) -> Any:
    """The policy, checked, its delays in seconds; None for the engine's rule."""
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
    read = {"fixed": _delay, "delays": _delays, "exponential": _exponential}[kind]
    return {**value, kind: read(value[kind], kind)}


def read_redact(value: Any) -> list[str]:
    """Header names in lower case and `body`, each once."""
    if not isinstance(value, list) or len(value) > MAX_HIDDEN:
        raise ValueError
    for name in value:
        if not isinstance(name, str) or not is_token(name):
            raise ValueError
    return sorted({name.lower() for name in value})


def _delays(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_DELAYS:
        raise ValidationError({path: [f"must be a list of 1 to {MAX_DELAYS} delays, got {shown(value)}"]})
    return [_delay(delay, f"{path}.{number}".strip(".")) for number, delay in enumerate(value)]


def _exponential(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != _CURVE.keys():
        raise ValidationError({path: [f"must be an object of base, factor and cap, got {shown(value)}"]})
    read = {"base": _delay, "factor": _factor, "cap": _delay}
    return {name: read[name](value[name], f"{path}.{name}") for name in read}


def _delay(value: Any, path: str) -> Any:
    """Seconds. A number stays as it was written."""
    seconds: Any = _seconds_of_text(value) if isinstance(value, str) else value
    if not times.is_number(seconds) or not 0 <= seconds <= LONGEST_DELAY_S:
        expected = f"a number of seconds from 0 to {LONGEST_DELAY_S}, or a text such as 90s"
        raise ValidationError({path: [f"must be {expected}, got {shown(value)}"]})
    return seconds


def _seconds_of_text(text: str) -> float | None:
    try:
        delay = times.parse_duration(text)
    except ValueError:
        return None
    return delay / SECOND if delay % SECOND else delay // SECOND


def _factor(value: Any, path: str) -> Any:
    if not times.is_number(value) or not 1 <= value <= MAX_FACTOR:
        raise ValidationError({path: [f"must be a number from 1 to {MAX_FACTOR}, got {shown(value)}"]})
    return value
