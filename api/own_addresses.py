"""Answers 405 where an address of the API does not take a method, and OPTIONS with the methods that it takes.

Without this, `DELETE /api/jobs/batch` would be read as a request to delete the job `batch`: the router goes on to
`/api/jobs/<key>`. For the same reason its answer to OPTIONS would name the methods of both.
"""

from collections import defaultdict

from flask import Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed


def register(app: Flask) -> None:
    """Answer for such addresses. Every route has to be there already."""
    own = _methods(app)

    def refuse_others() -> None:
        methods = own.get(request.path)
        if methods is not None and request.method not in methods:
            raise MethodNotAllowed(sorted(methods))

    def name_methods(answer: Response) -> Response:
        if request.method == "OPTIONS" and "Allow" in answer.headers and request.path in own:
            answer.headers["Allow"] = ", ".join(sorted(own[request.path]))
        return answer

    app.before_request(refuse_others)
    app.after_request(name_methods)


def _methods(app: Flask) -> dict[str, set[str]]:
    """The methods of each address of the API that has no parameter."""
    methods: dict[str, set[str]] = defaultdict(set)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/") and not rule.arguments:
            methods[rule.rule] |= rule.methods or set()
    return dict(methods)
