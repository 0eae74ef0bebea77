"""Reads `application/x-www-form-urlencoded` bodies with names in brackets: `body[content]=hi`.

Pure. `a[b]=v` makes an object, `a[]=v` appends to a list. Every value is text, since a form has no types;
`with_numbers` makes numbers of the members that may be numbers.
"""

import json
import re
from typing import Any
from urllib.parse import unquote_to_bytes

MAX_PAIRS = 1000
MAYBE_NUMBERS = {
    "schedule_in",
    "scheduled_at",
    "starts_at",
    "until",
    "repeat_every",
    "timeout",
    "ack_within",
    "max_attempts",
    "max_age",
    "catch_up_seconds",
    "jitter_seconds",
    "disable_after_failures",
    "max_runs",
}

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_STEP = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,19})?")


class BadForm(ValueError):
    """The body is not a form; the message says why."""


def parse(data: bytes) -> dict[str, Any]:
    """The nested object that a form's pairs describe. Raises BadForm."""
    pairs = [pair for pair in data.split(b"&") if pair]
    if len(pairs) > MAX_PAIRS:
        raise BadForm(f"a form must have at most {MAX_PAIRS} fields, got {len(pairs)}")
    fields: dict[str, Any] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        _put(fields, _text(name), _text(value))
    return fields


def with_numbers(fields: dict[str, Any]) -> dict[str, Any]:
    """The same fields, with the texts of MAYBE_NUMBERS as numbers."""
    return {name: _with_numbers(value) if name in MAYBE_NUMBERS else value for name, value in fields.items()}


def as_number(value: Any) -> Any:
    """The number that a text spells; the value itself if it spells none."""
    return json.loads(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _with_numbers(value: Any) -> Any:
    return [_with_numbers(item) for item in value] if isinstance(value, list) else as_number(value)


def _text(escaped: bytes) -> str:
    if _BAD_ESCAPE.search(escaped):
        raise BadForm("% must be followed by two hexadecimal digits")
    try:
        return unquote_to_bytes(escaped.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadForm("a form must be UTF-8") from None


def _put(fields: dict[str, Any], name: str, value: str) -> None:
    match = _NAME.fullmatch(name)
    if not match:
        raise BadForm(f"a name must look like field or field[member], got {name[:60]!r}")
    steps = [match[1], *_STEP.findall(match[2])]
    place: Any = fields
    for step, following in zip(steps, steps[1:], strict=False):
        place = _enter(place, step, [] if following == "" else {}, name)
    _enter(place, steps[-1], value, name)


def _enter(place: Any, step: str, new: Any, name: str) -> Any:
    """The value at `step`, which becomes `new` if there is none. An object may be entered twice; a list only grows."""
    if isinstance(place, list) and step == "":
        place.append(new)
        return new
    if isinstance(place, dict) and step != "":
        present = place.setdefault(step, new)
        if present is new or (isinstance(new, list | dict) and type(present) is type(new)):
            return present
    raise BadForm(f"{name[:60]!r} must fit the other fields and be given once")
