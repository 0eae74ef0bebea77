"""Owns the marshmallow fields of requests: each reads one value and says "must be …, got …" when it can't.

What a field expects is said once and serves its errors and the OpenAPI description.
"""

import json
import re
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import islice
from typing import Any, NoReturn

from marshmallow import RAISE, Schema, ValidationError, fields, missing
from marshmallow.error_store import ErrorStore

from api.requests.nearest import nearest
from api.responses.responses import MAX_ERRORS

SHOWN_CHARS = 60
MAX_PAIR_CHARS = 100

_WHOLE = re.compile(r"[0-9]{1,18}")


class Must(fields.Field[Any]):
    """A field that is read by `read(value)`, which raises ValueError for what isn't `expected`.

    One that raises marshmallow's ValidationError words the error itself.
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

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """What was sent is read at once; marshmallow's own way goes on to ask validators, and here are none."""
        if value is None or value is missing:
            return super().deserialize(value, attr, data, **options)
        return self._deserialize(value, attr, data)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:  # noqa: ARG002 - marshmallow's
        try:
            return self._read(value)
        except ValidationError:
            raise
        except (ValueError, TypeError, ArithmeticError, LookupError):
            raise ValidationError(f"must be {self.expected}, got {shown(value)}") from None


class Strict(Schema):
    """A request's fields: unknown ones are refused with the nearest known name, all errors are told at once."""

    class Meta:
        unknown = RAISE

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        named = [(field.data_key or name, field.attribute or name, field) for name, field in self.load_fields.items()]
        self._by_key = {key: (attribute, field) for key, attribute, field in named}
        # What says something even when nothing was sent.
        self._awaited = [each for each in named if each[2].required or each[2].load_default is not missing]

    def _deserialize(self, data: Any, *, error_store: ErrorStore, **options: Any) -> Any:
        """marshmallow's own reading asks every field of the schema; this one asks those that were sent, which is a
        third of the cost for an order. Hooks and validators are left to marshmallow."""
        if options.get("many") or options.get("partial") or options.get("unknown", RAISE) != RAISE:
            return super()._deserialize(data, error_store=error_store, **options)
        if not isinstance(data, Mapping):
            return super()._deserialize(data, error_store=error_store, **options)
        read: dict[str, Any] = {}
        sent = [(key, *self._by_key.get(key, (key, None)), value) for key, value in data.items()]
        sent += [(key, name, field, missing) for key, name, field in self._awaited if key not in data]
        for key, name, field, value in sent:
            if field is None:
                error_store.store_error([self.error_messages["unknown"]], key)
                continue
            try:
                read[name] = field.deserialize(value, key, data)
            except ValidationError as error:
                error_store.store_error(error.messages, key)
        return read

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **_: Any) -> NoReturn:  # noqa: ARG002
        errors: dict[str, list[str]] = {}
        for path, messages in islice(flat(error.normalized_messages()), MAX_ERRORS):
            unknown = messages == ["Unknown field."]
            errors[path] = [self._unknown(path)] if unknown else messages
        raise ValidationError(errors)

    def _unknown(self, name: str) -> str:
        known = [field.data_key or key for key, field in self.load_fields.items()]
        close = nearest(name, known)
        if close:
            return f"unknown field, did you mean `{close}`?"
        return f"unknown field, must be one of {', '.join(sorted(known))}"


def flat(messages: dict[str, Any], path: str = "") -> Iterator[tuple[str, list[str]]]:
    """marshmallow's nested messages as (dotted path, messages)."""
    for name, inner in messages.items():
        here = ".".join(part for part in (path, name) if part)
        if isinstance(inner, dict):
            yield from flat(inner, here)
        else:
            yield here, inner


def shown(value: Any) -> str:
    """A value as JSON, cut to a length that fits into a message."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 1]}…"


def text(most: int, least: int = 0, expected: str | None = None, **options: Any) -> Must:
    """A string of `least` to `most` characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ValueError
        return value

    return Must(expected or f"a string of at most {most} characters", read, "string", **options)


def one_of(choices: Container[str], listed: str, **options: Any) -> Must:
    """One of a few words."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError
        return value

    return Must(f"one of {listed}", read, "string", **options)


def whole_in_query(low: int, high: int, **options: Any) -> Must:
    """A whole number in a query string."""

    def read(value: Any) -> int:
        if not isinstance(value, str) or not _WHOLE.fullmatch(value) or not low <= int(value) <= high:
            raise ValueError
        return int(value)

    return Must(f"a whole number from {low} to {high}", read, "integer", **options)


def order_by(known: Container[str], listed: str, **options: Any) -> Must:
    """A pair of field and direction, in any of the forms that `api/requests/body.py` collects into a list of texts."""

    def read(values: Any) -> tuple[str, str]:
        if len(values) == 1:
            only = values[0]
            values = json.loads(only[:MAX_PAIR_CHARS]) if only.startswith("[") else only.split(",")
        name, direction = values
        if name not in known or direction not in ("asc", "desc"):
            raise ValueError
        return name, direction

    return Must(f'a pair of field and "asc" or "desc", the field one of {listed}', read, "array", **options)
