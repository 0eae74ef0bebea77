"""Owns the reading of requests whose body may be left out: no body is an object without members."""

from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from api.requests.body import read_fields
from api.requests.fields import flat
from api.responses.responses import invalid


def optional_fields(schema: Schema) -> dict[str, Any]:
    """The body's members as the schema reads them; 422 with all errors when it can't."""
    try:
        loaded: dict[str, Any] = schema.load(read_fields() if _has_body() else {})
    except ValidationError as error:
        raise invalid(dict(flat(error.normalized_messages()))) from None
    return loaded


def _has_body() -> bool:
    return bool(request.content_length) or "Transfer-Encoding" in request.headers
