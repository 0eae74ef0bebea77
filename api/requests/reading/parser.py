"""Connects webargs with `api/requests/reading/body.py`, so that the schemas that check requests also document them."""

import re
from typing import Any, NoReturn

from flask import Request, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from api.requests.reading.body import Fields, fields_of, read_fields, read_json
from api.requests.reading.strict_json import ListMember
from api.responses.responses import invalid

_ORDER_BY = re.compile(r"order_by(\[[0-9]{0,2}\])?")


class Parser(FlaskParser):
    """webargs with our reading of bodies and query strings. The schemas refuse unknown names."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {}

    def load_json(self, req: Request, schema: Schema) -> Fields:  # noqa: ARG002 - webargs calls it so
        list_member: ListMember | None = getattr(schema, "list_member", None)
        return fields_of(read_json(list_member)) if list_member else read_fields()

    def load_querystring(self, req: Request, schema: Schema) -> dict[str, Any]:  # noqa: ARG002 - webargs calls it so
        return read_query()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        # webargs files the messages under the name of the location, which is no part of a field's path.
        (messages,) = error.normalized_messages().values()
        raise invalid(messages)


def read_query() -> dict[str, Any]:
    """The query string: text by name, lists for repeated names, and `order_by` as a list in any of its forms."""
    query: dict[str, Any] = {}
    for name, values in request.args.lists():
        if _ORDER_BY.fullmatch(name):
            query.setdefault("order_by", []).extend(values)
        else:
            query[name] = values[0] if len(values) == 1 else values
    return query
