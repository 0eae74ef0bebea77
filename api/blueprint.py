"""Makes the blueprints of the routes under /api: they read requests by the parser of `api/requests/reading`, require
a key, and answer 422 to a GET with a query that its route does not declare."""

from collections.abc import Callable
from functools import partial
from typing import Any

import flask_smorest
from flask import request
from marshmallow import Schema

from api.auth import require_key
from api.requests.reading.parser import Parser
from api.requests.reading.strict_schema import UNKNOWN
from api.responses.responses import invalid


class Blueprint(flask_smorest.Blueprint):
    """A blueprint that answers 401 without a valid key unless it is `open_to_all`. Routes that are take any query:
    whoever asks for a badge or an echo may add something of its own, such as what keeps a cache from answering."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, import_name: str, *, open_to_all: bool = False, **options: Any) -> None:
        super().__init__(name, import_name, url_prefix="/api", **options)
        self._with_query: set[str] = set()
        if not open_to_all:
            self.before_request(require_key)
            self.before_request(self._refuse_query)

    def arguments(self, schema: Any, *, location: str = "json", **options: Any) -> Callable[[Any], Any]:
        """Read what a view takes from this part of the request."""
        decorate = super().arguments(schema, location=location, **options)

        def decorated(view_func: Any) -> Any:
            if location == "query":
                self._with_query.add(f"{self.name}.{view_func.__name__}")
            return decorate(view_func)

        return decorated

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Add a route. The name of its view is the name of the operation in OpenAPI and in generated clients."""
        view_func = self.doc(operationId=view_func.__name__)(view_func)
        super().add_url_rule(rule, endpoint, view_func, *args, **options)

    @staticmethod
    def _make_doc_response_schema(schema: Any) -> Any:
        """The schema's class. Each decorator of a view copies what the decorators before it documented. A copy of an
        instance copies all its fields; a class is not copied. `Strict` does the same for the schemas of requests."""
        return type(schema) if isinstance(schema, Schema) else schema

    def _refuse_query(self) -> None:
        """Answer 422 to a GET with a query if its route declares none; where one is declared, its schema judges. If a
        filter were ignored, the client would take everything for what it asked for. Other methods say all in their
        bodies, and the clients of the original service may add a query that it ignores."""
        if request.args and request.method == "GET" and request.endpoint not in self._with_query:
            raise invalid({name: [f"{UNKNOWN}, this address takes none in its query"] for name in request.args})

    def register_views_in_doc(self, api: Any, *arguments: Any, **options: Any) -> None:
        """Describe the routes later. It takes about half of the time in which an app is made."""
        api.describe_later(partial(super().register_views_in_doc, api, *arguments, **options))
