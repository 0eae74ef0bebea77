"""Makes models from the JSON of answers. Members that a model does not know are left in its `raw`."""

import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

from booper_client.errors import UnreadableAnswerError
from booper_client.models.model import Model

M = TypeVar("M", bound=Model)
Reader = Callable[[Any], Any]


def decode(model: type[M], data: Any) -> M:
    """A model from its JSON object; UnreadableAnswerError where a member is missing or of another kind."""
    try:
        return _object(model, data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableAnswerError(f"the answer is no {model.__name__}: {error!r}") from None


def _object(model: type[M], data: Any) -> M:
    readers, required = _members(typing.cast(Any, model))
    values = {name: read(data[name]) for name, read in readers.items() if name in data or name in required}
    return model(raw=data, **values)


@cache
def _members(model: type[Model]) -> tuple[dict[str, Reader], set[str]]:
    hints = typing.get_type_hints(model)
    own = [field for field in fields(model) if field.name != "raw"]
    required = {field.name for field in own if field.default is MISSING}
    return {field.name: _reader(hints[field.name]) for field in own}, required


def _reader(hint: Any) -> Reader:
    """How a value of this type is read."""
    if get_origin(hint) in (types.UnionType, typing.Union):
        inner = _reader(next(part for part in get_args(hint) if part is not type(None)))
        return lambda value: None if value is None else inner(value)
    if get_origin(hint) is list:
        item = _reader(get_args(hint)[0])
        return lambda values: [item(value) for value in values]
    if hint is datetime:
        return instant
    if isinstance(hint, type) and issubclass(hint, Model):
        return lambda value: _object(hint, value)
    return lambda value: value


def instant(text: str) -> datetime:
    """A time in any of the forms of the API; those without an offset are UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
