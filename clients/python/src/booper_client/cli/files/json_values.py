"""Says which values of a file JSON does not know. YAML has some: bytes, sets, anchors that contain themselves."""

import math
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 100
MAX_VALUES = 1_000_000  # a few anchors in anchors stand for more values than any memory holds
EXPECTED = "must be a text, a number, true, false, null, a list or an object"
Place = tuple[str, ...]


def mistakes_of_json(document: Any) -> Iterator[tuple[Place, str]]:
    """The place of each mistake, and what it is."""
    left: list[tuple[Place, Any]] = [((), document)]
    count = 0
    while left:
        place, value = left.pop()
        count += 1
        if count > MAX_VALUES:
            yield place[:2], f"must have at most {MAX_VALUES:,} values in all, got more"
            return
        if len(place) > MAX_DEPTH:
            yield place[:3], f"must be nested at most {MAX_DEPTH} deep, got more"
            return
        if isinstance(value, dict):
            left += [((*place, str(name)), member) for name, member in reversed(value.items())]
        elif isinstance(value, list):
            left += [((*place, str(number)), member) for number, member in reversed(list(enumerate(value)))]
        elif isinstance(value, float) and not math.isfinite(value):
            yield place, f"{EXPECTED}, got {value}"
        elif value is not None and not isinstance(value, str | int | float):
            yield place, f"{EXPECTED}, got {type(value).__name__}"
