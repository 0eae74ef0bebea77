"""Renders the dynamic fields of a schedule's bodies, and merges into its state what an answer sets. Pure.

Every size is limited: a short text in a body may stand for a large value, and may occur ten thousand times.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

MAX_MEMORY_BYTES = 65_536  # of the state, and of the previous answer, each as JSON
MAX_BODY_BYTES = 1_048_576  # of a rendered body
MAX_DEPTH = 64  # of an answer: a deeper one could be parsed but not encoded again
JOB, PREVIOUS, STATE, SET = "$job", "$previous", "$state", "$set"

_PATH = re.compile(r"\$(previous|state)((?:\.[^.]+)+)")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")


class Memory(NamedTuple):
    """What a schedule's body may refer to, as JSON: the previous answer (None: none yet) and the state."""

    previous: str | None
    state: str


class TooLarge(ValueError):
    """A value is too large to be sent or kept; says how large it may be and how large it is."""


def render(body: dict[str, Any], job_id: int, previous: Any, state: dict[str, Any]) -> str:
    """The body as JSON, with `$job`, `$previous` and `$state` added and each path into the last two replaced by its
    value; null for a missing one. Raises TooLarge."""
    known = {"previous": previous, "state": state}
    sizes: dict[str, int] = {}
    room = [MAX_BODY_BYTES]

    def replace(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: replace(member) for name, member in value.items()}
        if isinstance(value, list):
            return [replace(item) for item in value]
        match = _PATH.fullmatch(value) if isinstance(value, str) else None
        if not match:
            return value
        result = at_path(known[match[1]], match[2][1:].split("."))
        if value not in sizes:
            sizes[value] = len(encoded(result))
        room[0] -= sizes[value]
        if room[0] < 0:
            raise TooLarge(f"the body must be at most {MAX_BODY_BYTES} bytes with its dynamic fields, got more")
        return result

    added = {JOB: {"id": job_id}, PREVIOUS: previous, STATE: state}
    text = encoded({name: replace(value) for name, value in body.items() if name not in added} | added)
    if len(text.encode()) > MAX_BODY_BYTES:
        raise TooLarge(f"the body must be at most {MAX_BODY_BYTES} bytes with its dynamic fields, got more")
    return text


def at_path(value: Any, path: list[str]) -> Any:
    """The value at the end of a path of names, and of numbers into lists; None when there is none."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and _WHOLE.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def answer_of(body: bytes) -> Any:
    """An answer's body as a value: parsed if it is JSON that can be encoded again, else its text; {} for an empty
    one."""
    text = body.decode("utf-8-sig", "replace").replace("\x00", "\ufffd")
    if not text.strip():
        return {}
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_double)
    except (ValueError, RecursionError):
        return text
    return text if _is_too_deep(value) else value


def merge_state(state: dict[str, Any], answer: Any) -> dict[str, Any]:
    """The state with the members of the answer's `$set`, each replaced as a whole. Raises TooLarge or ValueError."""
    if not isinstance(answer, dict) or SET not in answer:
        return state
    changes = answer[SET]
    if not isinstance(changes, dict):
        raise ValueError(f"$set must be an object, got {encoded(changes)[:60]}")
    merged = state | changes
    size = len(encoded(merged).encode())
    if size > MAX_MEMORY_BYTES:
        raise TooLarge(f"the state must be at most {MAX_MEMORY_BYTES} bytes as JSON, got {size}")
    return merged


def encoded(value: Any) -> str:
    """The value as JSON that every database can store: lone surrogates stay escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text


def _refuse(name: str) -> None:
    raise ValueError(name)


def _double(digits: str) -> float:
    """1e999 is JSON, but Python would parse it as infinity, which is not."""
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(digits)
    return number


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [each for each in level if isinstance(each, list | dict)]
        if not level:
            return False
        level = [item for each in level for item in _members(each)]
    return True


def _members(value: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value
