"""Owns the reading of requests: body and query string as plain values, before any schema looks at them.

What isn't JSON or a form, or can't be kept, ends here: 400, 413, 415 or 422. webargs calls `Parser` for the views'
`arguments`, so that the schemas which check requests also document them.
"""

import json
import re
from typing import Any, NamedTuple, NoReturn

from flask import Request, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from api.context import settings
from api.requests import forms, strict_json
from api.responses.responses import ApiError, invalid

FORM = "application/x-www-form-urlencoded"
BATCH = "batch"  # the blueprint whose requests may be larger
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}
UNTYPED = {
    "schedule_in",
    "scheduled_at",
    "repeat_every",
    "timeout",
    "max_attempts",
    "max_age",
    "catch_up_seconds",
    "jitter_seconds",
    "disable_after_failures",
}  # may be numbers in a form

_ORDER_BY = re.compile(r"order_by(\[[0-9]{0,2}\])?")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,19})?")


class Fields(dict[str, Any]):
    """The members of a request's body; `body_text` is the text of its member `body` exactly as written, if known."""

    body_text: str | None = None


class Listing(NamedTuple):
    """A member of the body that is a list, each element of which is read for itself (`raw_json.parse`)."""

    name: str
    most: int


class Parser(FlaskParser):
    """webargs, reading as this module does, and leaving unknown names to the schemas."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}

    def load_json(self, req: Request, schema: Schema) -> Fields:  # noqa: ARG002 - the form webargs calls
        listing: Listing | None = getattr(schema, "documents", None)
        return fields_of(read_json(listing)) if listing else read_fields()

    def load_querystring(self, req: Request, schema: Schema) -> dict[str, Any]:  # noqa: ARG002
        return read_query()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        # webargs puts the messages under the name of the place it read, which is no part of a field's path.
        (messages,) = error.normalized_messages().values()
        raise invalid(messages)


def read_fields() -> Fields:
    """The object in the request's body, JSON or form."""
    if request.mimetype == FORM:
        return _form_fields()
    return fields_of(read_json())


def fields_of(document: strict_json.Document) -> Fields:
    """The members of an object, each given once."""
    if not isinstance(document.value, dict):
        raise invalid({"": [f"must be a JSON object, got {kind_of(document.value)}"]})
    if repeated := document.repeated | _repeated_within(document):
        raise invalid({name: ["must be given once, got it several times"] for name in repeated})
    fields = Fields(document.value)
    fields.body_text = document.texts.get("body")
    return fields


def _repeated_within(document: strict_json.Document) -> set[str]:
    """The paths of headers and query members given more than once: which one would count is anybody's guess."""
    objects = {
        name: document.texts[name] for name in ("headers", "query") if isinstance(document.value.get(name), dict)
    }
    return {f"{name}.{member}" for name, text in objects.items() for member in strict_json.parse(text).repeated}


def read_json(listing: Listing | None = None) -> strict_json.Document:
    """The JSON text in the request's body, of any kind. The elements of a `listing` are still to be looked at by
    `refuse_faults`."""
    if not request.is_json:
        raise ApiError(
            415,
            f"Content-Type must be application/json{'' if listing else f' or {FORM}'}, "
            f"got {request.content_type or 'none'!s:.80}",
        )
    try:
        text = _body().decode()
        document = strict_json.parse(text, *(listing or ()))
    except UnicodeDecodeError:
        raise ApiError(400, "The body must be JSON in UTF-8, got other bytes.") from None
    except strict_json.BadJson as error:
        raise ApiError(400, f"The body must be JSON, got something else: {error}") from None
    except strict_json.TooMany:
        most, name = (listing.most, listing.name) if listing else (0, "")
        raise invalid({name: [f"must have at most {most} elements, got more"]}) from None
    except strict_json.TooDeep:
        raise invalid({"": [f"must be nested at most {strict_json.MAX_DEPTH} deep, got more"]}) from None
    if not listing:
        refuse_faults(document)
    return document


def refuse_faults(document: strict_json.Document) -> None:
    """422 for what is JSON but can't be kept."""
    _refuse(strict_json.faults(document.value, document.text))


def body_limit() -> int:
    """The most bytes that the body of this request may have."""
    return settings().max_batch_bytes if request.blueprint == BATCH else settings().max_body_bytes


def read_bytes() -> bytes:
    """The request's body, never more than the settings allow."""
    try:
        data = request.get_data()
    except HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 - each WSGI server has its own for chunks that are none
        raise ApiError(400, f"The body must come whole, got one that broke off: {type(error).__name__}") from None
    if len(data) > body_limit():
        raise too_large("more")
    return data


def read_query() -> dict[str, Any]:
    """The query string: text by name, lists for repeated names, and `order_by` as a list in any of its forms."""
    query: dict[str, Any] = {}
    for name, values in request.args.lists():
        if _ORDER_BY.fullmatch(name):
            query.setdefault("order_by", []).extend(values)
        else:
            query[name] = values[0] if len(values) == 1 else values
    return query


def too_large(got: Any) -> ApiError:
    """413, for a stated length or for one that shows while reading."""
    return ApiError(413, f"The body must be at most {body_limit()} bytes, got {got}.")


def kind_of(value: Any) -> str:
    """The JSON kind of a value, in words."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _form_fields() -> Fields:
    try:
        fields = Fields(forms.parse(_body()))
    except forms.BadForm as error:
        raise ApiError(400, f"The body must be a form, got something else: {error}") from None
    _refuse(strict_json.faults(fields))
    for name in UNTYPED & fields.keys():
        fields[name] = _typed(fields[name])
    return fields


def _typed(value: Any) -> Any:
    """A form's text as the number it spells, if it does."""
    if isinstance(value, list):
        return [_typed(item) for item in value]
    return as_number(value)


def as_number(value: Any) -> Any:
    """A text as the number it spells, if it does; anything else as it is."""
    return json.loads(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else value


def _body() -> bytes:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if charset not in CHARSETS:
        raise ApiError(415, f"The charset must be utf-8, got {charset!s:.40}")
    return read_bytes()


def _refuse(faults: list[tuple[str, str]]) -> None:
    if faults:
        raise invalid({path: [text for place, text in faults if place == path] for path, _ in faults})
