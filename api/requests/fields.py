"""Defines the marshmallow fields of requests: each reads one value or raises "must be …, got …".

The text of what a field expects serves its errors and the OpenAPI description.
"""

import json
import re
from collections.abc import Callable, Collection
from typing import Any

from marshmallow import ValidationError, fields

from models.rules.times import is_number

MAX_SHOWN_CHARS = 60
MAX_PAIR_CHARS = 100

_WHOLE = re.compile(r"[0-9]{1,18}")


class Must(fields.Field[Any]):
    """A field that `read(value)` reads, which raises ValueError for a value that isn't `expected`.

    A `read` that raises marshmallow's ValidationError words the error itself.
    """

    def __init__(self, expected: str, read: Callable[[Any], Any], kind: str | None = None, **options: Any) -> None:
        about = {"description": f"Must be {expected}.", **({"type": kind} if kind else {})}
        messages: dict[str, Any] = {
            "required": f"must be {expected}, got nothing",
            "null": f"must be {expected}, got null",
        }
        super().__init__(error_messages=messages, metadata=about | options.pop("metadata", {}), **options)
        self.expected = expected
        self._read = read

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:  # noqa: ARG002 - marshmallow's
        try:
            return self._read(value)
        except ValidationError:
            raise
        except (ValueError, TypeError, ArithmeticError, LookupError):
            raise ValidationError(f"must be {self.expected}, got {shown(value)}") from None


def shown(value: Any) -> str:
    """A value as JSON, cut to a length that fits into a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[: MAX_SHOWN_CHARS - 1]}…"


def text(max_chars: int, **options: Any) -> Must:
    """A string of at most `max_chars` characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > max_chars:
            raise ValueError
        return value

    return Must(f"a string of at most {max_chars} characters", read, "string", **options)


def choice(words: Collection[str], **options: Any) -> Must:
    """One of a few words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return Must(f"one of {', '.join(words)}", read, "string", **options)


def whole(low: int, high: int, **options: Any) -> Must:
    """A whole number in a JSON body."""

    def read(value: Any) -> int:
        if not is_number(value) or value != int(value) or not low <= value <= high:
            raise ValueError
        return int(value)

    return Must(f"a whole number from {low} to {high}", read, "integer", **options)


def whole_in_query(low: int, high: int, **options: Any) -> Must:
    """A whole number in a query string."""

    def read(value: Any) -> int:
        if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise ValueError
        return int(value)

    return Must(f"a whole number from {low} to {high}", read, "integer", **options)


def order_by(names: Collection[str], **options: Any) -> Must:
    """A pair of field and direction, in any of the forms that `api/requests/parser.py` collects into a list of
    texts."""

    def read(values: Any) -> tuple[str, str]:
        if len(values) == 1:
            only = values[0]
            values = json.loads(only[:MAX_PAIR_CHARS]) if only.startswith("[") else only.split(",")
        name, direction = values
        if name not in names or direction not in ("asc", "desc"):
            raise ValueError
        return name, direction

    expected = f'a pair of field and "asc" or "desc", the field one of {", ".join(names)}'
    return Must(expected, read, "array", **options)
