"""Owns the reading of `application/x-www-form-urlencoded` bodies with names in brackets: `body[content]=hi`.

Pure. `a[b]=v` makes an object, `a[]=v` appends to a list. Every value is text; a form can't say more.
"""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

MAX_PAIRS = 1000

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_STEP = re.compile(r"\[([^\[\]]*)\]")


class BadForm(ValueError):
    """The body is no form; says why."""


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
    """What lies at `step`, put there if nothing does. Only an object is entered twice, a list only appended to."""
    if isinstance(place, list) and step == "":
        place.append(new)
        return new
    if isinstance(place, dict) and step != "":
        found = place.setdefault(step, new)
        if found is new or (isinstance(new, list | dict) and type(found) is type(new)):
            return found
    raise BadForm(f"{name[:60]!r} must fit the other fields and be given once")
