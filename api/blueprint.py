"""Makes the blueprints of the routes under /api: they read requests by the parser of `api/requests/reading` and require
a key."""

from functools import partial
from typing import Any

import flask_smorest

from api.auth import require_key
from api.requests.reading.parser import Parser


class Blueprint(flask_smorest.Blueprint):
    """A blueprint that answers 401 without a valid key unless it is `open_to_all`."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, import_name: str, *, open_to_all: bool = False, **options: Any) -> None:
        super().__init__(name, import_name, url_prefix="/api", **options)
        if not open_to_all:
            self.before_request(require_key)

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: Any = None, *args: Any, **options: Any
    ) -> None:
        """Add a route. The name of its view is the name of the operation in OpenAPI and in generated clients."""
        view_func = self.doc(operationId=view_func.__name__)(view_func)
        super().add_url_rule(rule, endpoint, view_func, *args, **options)

    def register_views_in_doc(self, api: Any, *arguments: Any, **options: Any) -> None:
        """Describe the routes later. It takes a third of the time in which an app is made."""
        api.describe_later(partial(super().register_views_in_doc, api, *arguments, **options))
