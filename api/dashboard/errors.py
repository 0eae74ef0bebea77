"""Shows errors as pages: what a page refuses, what the framework refuses, and faults of the server."""

from flask import Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from api.dashboard.blueprint import add_headers, pages
from api.dashboard.labels import ERROR_MESSAGES, ERROR_TITLES
from api.responses import responses
from api.responses.responses import ApiError, request_id
from models.database.connection import Unreachable

KEPT_HEADERS = ("Allow", "Retry-After")  # of the framework's errors


def page_not_found() -> ApiError:
    """404, the same for what is missing and for what belongs to another account."""
    return ApiError(404, ERROR_MESSAGES[404])


def wants_page() -> bool:
    """Whether the client of this request prefers a page to JSON."""
    html, json = request.accept_mimetypes["text/html"], request.accept_mimetypes["application/json"]
    return html > json and not request.path.startswith("/api")


@pages.errorhandler(ApiError)
def error_page(error: ApiError) -> Response:
    title = ERROR_TITLES.get(error.status, ERROR_TITLES[400 if error.status < 500 else 500])
    message = error.message or ERROR_MESSAGES.get(error.status, "")
    text = render_template("error.html", status=error.status, title=title, message=message, request_id=request_id())
    response = make_response(text, error.status)
    response.headers.extend(error.headers)
    return add_headers(response)


@pages.errorhandler(HTTPException)
def framework_error_page(error: HTTPException) -> Response:
    status = error.code or 500
    headers = {name: value for name, value in error.get_headers() if name in KEPT_HEADERS}
    return error_page(ApiError(status, ERROR_MESSAGES.get(status) or error.description or "", headers=headers))


@pages.errorhandler(Exception)
def fault_page(error: Exception) -> Response:
    """A fault of the server; the log gets the same line as for the API."""
    responses.unexpected(error)
    return error_page(ApiError(500, ERROR_MESSAGES[500]))


def database_away_page(error: Exception) -> Response:
    """The log gets the same line as for the API."""
    responses.unavailable(error)
    return error_page(ApiError(503, ERROR_MESSAGES[503], headers={"Retry-After": responses.RETRY_AFTER_S}))


for kind in Unreachable:
    pages.register_error_handler(kind, database_away_page)
