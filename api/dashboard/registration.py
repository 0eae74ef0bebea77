"""Registers the dashboard with the app, and shows a page to a browser that asks for an address without a route."""

import contextlib

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from api.dashboard.blueprint import recognize_visitor
from api.dashboard.errors import framework_error_page, wants_page
from api.dashboard.filters import FILTERS
from api.dashboard.navigation import pages
from api.responses import responses
from models.database.connection import Unreachable


def register(app: Flask) -> None:
    app.register_blueprint(pages)
    app.jinja_env.filters.update(FILTERS)
    for status in (404, 405):
        app.register_error_handler(status, no_route)


def no_route(error: HTTPException) -> Response:
    """No route has this path or method: a page for a browser, JSON for a program."""
    if not wants_page():
        return responses.from_http(error)
    with contextlib.suppress(*Unreachable):  # the page has no menu then
        recognize_visitor()
    return framework_error_page(error)
