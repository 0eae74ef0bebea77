"""Makes every response of the API: JSON, its headers, and the one shape of errors.

Whatever goes wrong in a request becomes an `ApiError` here; the API never answers with HTML.
"""

import json
import logging
import random
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from api.responses import refused_writes
from models.database import paging
from models.database.connection import Unreachable, release_connection
from models.database.paging import TooManyToSort
from models.jobs.job_json import JSON_TYPE, compact

log = logging.getLogger(__name__)
T = TypeVar("T")

CODES = {
    400: "invalid_json",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    410: "gone",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "rate_limited",
    500: "internal",
    501: "invalid_request",  # HTTP allows it, and this server does not read it
    503: "unavailable",
}
MESSAGES = {
    404: "There is nothing at this address that this key may see.",
    405: "This address does not take this method; the Allow header lists those it takes.",
    413: "The body is larger than this server reads.",
    500: "Something went wrong here; the operator finds it in the log by the request_id.",
    503: "The database can't be reached just now; try again.",
}
RETRY_AFTER_S = "5"
MAX_ERRORS = 100
MAX_PATH_CHARS = 200
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class ApiError(Exception):
    """A request that gets an error. `errors`: path of a field → what is wrong with it."""

    def __init__(
        self,
        status: int,
        message: str = "",
        errors: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message or MESSAGES.get(status, "")
        self.errors = errors or {}
        self.headers = headers or {}


def invalid(errors: dict[str, list[str]]) -> ApiError:
    """422 with the wrong fields, at most MAX_ERRORS of them."""
    named = {path[:MAX_PATH_CHARS]: errors[path] for path in islice(errors, MAX_ERRORS)}
    return ApiError(422, "The request has wrong fields; see errors.", named)


def not_found() -> ApiError:
    """404, the same for what is missing and for what is another account's."""
    return ApiError(404)


def or_not_found(value: T | None) -> T:
    """The value; 404 for None."""
    if value is None:
        raise not_found()
    return value


def respond(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return json_response(compact(value), status, headers)


def json_response(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The response of a JSON text that is already encoded."""
    return Response(text, status, headers, content_type=JSON_TYPE)


def request_id() -> str:
    """The name of this request in its response and in the log."""
    name: str | None = g.get("request_id")
    if name is None:
        g.request_id = name = new_request_id()
    return name


def new_request_id() -> str:
    """It is no secret, so `random` serves: asking the system for random bytes would release the interpreter lock."""
    return f"{random.getrandbits(64):016x}"  # noqa: S311


def error_response(error: ApiError) -> Response:
    return json_response(error_text(error, request_id()), error.status, error.headers)


def error_text(error: ApiError, request_id: str) -> str:
    """The one shape of errors."""
    body = {
        "status": error.status,
        "code": CODES.get(error.status) or ("invalid_request" if error.status < 500 else "internal"),
        "message": error.message,
        "errors": error.errors,
        "request_id": request_id,
    }
    # ASCII only: the name of a field may have characters that UTF-8 can't encode.
    return json.dumps({"error": body})


def from_http(error: HTTPException) -> Response:
    """The response to what Flask refuses: unknown addresses, methods, lengths."""
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")}
    return error_response(ApiError(status, MESSAGES.get(status) or error.description or error.name, headers=headers))


def too_many_to_sort(error: TooManyToSort) -> Response:
    """422: an order that no index gives, of a long list."""
    names, most = " or ".join(error.indexed), f"{paging.SORTED_AT_MOST:,}"
    message = f"must be {names} where more than {most} entries match (filters narrow a list), got {error.name}"
    return error_response(invalid({"order_by": [message]}))


def unavailable(error: Exception) -> Response:
    """503: the database is down, full, or all connections to it are in use."""
    log.error("request %s: answered 503, the database can't be used: %s", request_id(), error)
    refused_writes.note(error)
    with suppress(*Unreachable):
        release_connection()  # a connection that failed may fail again
    return error_response(ApiError(503, headers={"Retry-After": RETRY_AFTER_S}))


def unexpected(error: Exception) -> Response:
    """500 for a bug in Booper: the client gets the id to report and nothing else."""
    log.error("request %s: answered 500", request_id(), exc_info=error)
    return error_response(ApiError(500))


def register(app: Flask) -> None:
    """Give every response of the app this form."""
    app.register_error_handler(ApiError, error_response)
    app.register_error_handler(HTTPException, from_http)
    for kind in Unreachable:
        app.register_error_handler(kind, unavailable)
    app.register_error_handler(TooManyToSort, too_many_to_sort)
    app.register_error_handler(Exception, unexpected)
    app.after_request(_finish)


def _finish(response: Response) -> Response:
    response.headers["X-Request-Id"] = request_id()
    if response.status_code == 201:
        refused_writes.forget()
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
