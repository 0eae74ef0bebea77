"""A client of the API for tests in one process, and the form that its responses must have."""

from functools import cache

import pytest

from tests.support.openapi import differences_from

URL = "https://example.com/hook"
FORM = "application/x-www-form-urlencoded"

# For what is decided before any query.
one_database = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


class ApiClient:
    """Flask's test client with a key, and a method for each kind of request."""

    def __init__(self, app, secret=None):
        self.app = app
        self.headers = {"Authorization": f"Bearer {secret}"} if secret else {}

    def ask(self, method, path, headers=None, **options):
        """The response, which must be as the OpenAPI document describes it."""
        answer = self.app.test_client().open(
            path, method=method, headers={**self.headers, **(headers or {})}, **options
        )
        assert differences_from(document_of(self.app), self.app, method, path, answer) == []
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, **options):
        return self.ask("POST", path, **options)

    def create(self, **fields):
        """POST /api/jobs with these fields beside a URL."""
        return self.post("/api/jobs", json={"url": URL, **fields})

    def created(self, **fields):
        """The job that a valid request creates."""
        answer = self.create(**fields)
        assert answer.status_code == 201, answer.text
        return answer.json["data"]


@cache
def document_of(app):
    """The OpenAPI document of an app."""
    return app.test_client().get("/api/openapi.json").json


def errors_of(answer, status=422):
    """The errors by field path; the answer must have the one shape."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    error = answer.json["error"]
    assert set(error) == {"status", "code", "message", "errors", "request_id"}
    assert error["status"] == status
    assert error["request_id"] == answer.headers["X-Request-Id"]
    return error["errors"]
