"""Answers 405 where an address of the API does not take a method.

Without this, `DELETE /api/jobs/batch` would be read as a request to delete the job `batch`: the router goes on to
`/api/jobs/<key>`.
"""

from collections import defaultdict

from flask import Flask, request
from werkzeug.exceptions import MethodNotAllowed


def register(app: Flask) -> None:
    """Answer 405 for methods that such an address does not take. Every route has to be there already."""
    own = _methods(app)

    def refuse_others() -> None:
        methods = own.get(request.path)
        if methods is not None and request.method not in methods:
            raise MethodNotAllowed(sorted(methods))

    app.before_request(refuse_others)


def _methods(app: Flask) -> dict[str, set[str]]:
    """The methods of each address of the API that has no parameter."""
    methods: dict[str, set[str]] = defaultdict(set)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and not rule.arguments:
            methods[rule.rule] |= rule.methods or set()
    return dict(methods)
