"""Owns which pages there are, and what a browser gets where there is none."""

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from api.dashboard import filters  # noqa: F401 - it gives the templates their filters  # noqa: F401 - it gives the templates their filters
from api.dashboard.blueprint import error_page, pages, wants_page
from api.dashboard.pages import (  # noqa: F401 - a page is registered by being imported
    bulk,
    channels,
    endpoints,
    failures,
    job,
    jobs,
    keys,
    logs,
    new_job,
    overview,
    preview,
    schedules,
    signing_in,
    signing_keys,
)
from api.responses import responses


def register(app: Flask) -> None:
    """Give the app its pages."""
    app.register_blueprint(pages)
    for status in (404, 405):
        app.register_error_handler(status, not_there)


def not_there(error: HTTPException) -> Response:
    """A path or method that no route has: a page for a browser, JSON for a program."""
    return error_page(error) if wants_page() else responses.from_http(error)
