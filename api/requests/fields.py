"""Defines the marshmallow fields of requests: each reads one value or raises "must be …, got …".

The text of what a field expects serves its errors and the OpenAPI description.
"""

import json
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from marshmallow import ValidationError, fields

from models.rules.times import is_number

MAX_SHOWN_CHARS = 60
MAX_PAIR_CHARS = 100

_WHOLE = re.compile(r"[0-9]{1,18}")
Form = str | dict[str, Any] | Callable[[], dict[str, Any]] | None


class Must(fields.Field[Any]):
    """A field that `read(value)` reads, which raises ValueError for a value that isn't `expected`.

    A `read` that raises marshmallow's ValidationError words the error itself. `form`: what OpenAPI says of the value, a
    type or a whole schema; a function where the settings decide about it, called when the document is made.
    """

    def __init__(self, expected: str, read: Callable[[Any], Any], form: Form = None, **options: Any) -> None:
        about = {"description": f"Must be {expected}."}
        self._form = form if callable(form) else None
        if not callable(form):
            about |= _or_null({"type": form} if isinstance(form, str) else form or {}, bool(options.get("allow_none")))
        template = expected.replace("{", "{{").replace("}", "}}")  # marshmallow formats these messages
        messages: dict[str, Any] = {
            "required": f"must be {template}, got nothing",
            "null": f"must be {template}, got null",
        }
        super().__init__(error_messages=messages, metadata=about | options.pop("metadata", {}), **options)
        self.expected = expected
        self._read = read

    def form_in_force(self) -> dict[str, Any]:
        """What OpenAPI says of the value by the settings of the app; nothing where they do not matter."""
        return _or_null(self._form(), self.allow_none) if self._form else {}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:  # noqa: ARG002 - marshmallow's
        try:
            return self._read(value)
        except ValidationError:
            raise
        except (ValueError, TypeError, ArithmeticError, LookupError):
            raise ValidationError(f"must be {self.expected}, got {shown(value)}") from None


def _or_null(form: dict[str, Any], allow_none: bool) -> dict[str, Any]:
    """The form, with null among several types where it is allowed; a single type gets it from apispec."""
    return form | {"anyOf": [*form["anyOf"], {"type": "null"}]} if allow_none and "anyOf" in form else form


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

    return Must(f"a string of at most {max_chars} characters", read, plain_form(max_chars), **options)


def text_form(max_chars: int, min_chars: int = 0) -> dict[str, Any]:
    """What OpenAPI says of a string of bounded length."""
    return {"type": "string", **({"minLength": min_chars} if min_chars else {}), "maxLength": max_chars}


def plain_form(max_chars: int, min_chars: int = 0) -> dict[str, Any]:
    """The same without NUL, which PostgreSQL can't store."""
    return {**text_form(max_chars, min_chars), "pattern": r"^[^\x00]*$"}


def number_form(low: float, high: float | None = None, kind: str = "number") -> dict[str, Any]:
    """What OpenAPI says of a number within bounds."""
    return {"type": kind, "minimum": low, **({} if high is None else {"maximum": high})}


def words_form(words: Collection[str], allow_none: bool = False) -> dict[str, Any]:
    """What OpenAPI says of one of a few words; null has to be among them where it is allowed."""
    return {"type": "string", "enum": [*words, *([None] if allow_none else [])]}


def choice(words: Collection[str], **options: Any) -> Must:
    """One of a few words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    form = words_form(words, bool(options.get("allow_none")))
    return Must(f"one of {', '.join(words)}", read, form, **options)


def split_by_commas(value: Any) -> list[str]:
    """The parts of a text. A parameter that is in the query twice is a list, and ValueError."""
    if not isinstance(value, str):
        raise ValueError
    return value.split(",")


def expansion(names: Sequence[str]) -> Must:
    """What a response has beside its keys: names with commas between; none where it is left out."""

    def read(value: Any) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(split_by_commas(value)))
        if not set(chosen) <= set(names):
            raise ValueError
        return chosen

    name = f"({'|'.join(names)})"
    form = {"type": "string", "pattern": f"^{name}(,{name})*$", "example": ",".join(names)}
    return Must(f"one or both of {', '.join(names)}, joined by a comma", read, form)


def flag(**options: Any) -> Must:
    """True or false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError
        return value

    return Must("true or false", read, "boolean", **options)


def whole(low: int, high: int, **options: Any) -> Must:
    """A whole number in a JSON body."""

    def read(value: Any) -> int:
        if not is_number(value) or value != int(value) or not low <= value <= high:
            raise ValueError
        return int(value)

    return Must(f"a whole number from {low} to {high}", read, number_form(low, high, "integer"), **options)


def whole_in_query(low: int, high: int, **options: Any) -> Must:
    """A whole number in a query string."""

    def read(value: Any) -> int:
        if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise ValueError
        return int(value)

    return Must(f"a whole number from {low} to {high}", read, number_form(low, high, "integer"), **options)


def order_by(names: Collection[str], **options: Any) -> Must:
    """A pair of field and direction, in any of the forms that `api/requests/reading/parser.py` collects into a list of
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
    # One of the forms that are read: generated clients know no array of two different elements.
    pairs = [f"{name},{direction}" for name in names for direction in ("asc", "desc")]
    about = {"type": "string", "enum": pairs}
    if "load_default" in options:
        about["default"] = ",".join(options["load_default"])
    return Must(expected, read, about, **options)
