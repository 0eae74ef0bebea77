"""Makes the Flask app: blueprints, limits, the documentation, the connection of each request.

The caller opens the database. A request connects when it first needs the database, and its thread keeps the connection
for the next request.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import flask_smorest
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from api import context, dashboard, request_log
from api.key_cache import KeyCache
from api.requests.body import body_limit, too_large
from api.responses import responses
from api.responses.schemas import ErrorResponse
from api.routes import (
    batch,
    channels,
    endpoints,
    explain,
    health,
    jobs,
    logs,
    related,
    schedule_actions,
    schedule_preview,
    schedule_runs,
    schedules,
    signing_keys,
    try_targets,
)
from models.database.connection import Unreachable, drop_if_stale, keep_connection
from runtime.settings import Settings
from runtime.version import __version__

log = logging.getLogger(__name__)

RESOURCES = (
    jobs,
    batch,
    explain,
    related,
    schedules,
    schedule_actions,
    schedule_runs,
    schedule_preview,
    logs,
    endpoints,
    signing_keys,
    channels,
    try_targets,
)


class Documentation(flask_smorest.Api):
    """OpenAPI from the schemas that check requests. `api/responses/responses.py` answers errors."""

    ERROR_SCHEMA = ErrorResponse

    def handle_http_exception(self, error: HTTPException) -> Response:
        return responses.from_http(error)


def create_app(settings: Settings, broker_reachable: Callable[[], bool] | None = None) -> Flask:
    """The WSGI app. `broker_reachable` (production): whether the broker answers; only /readyz calls it."""
    app = Flask("booper", static_folder=None)
    app.config.update(
        API_TITLE="Booper",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.url_map.merge_slashes = False  # merging would answer // with a redirect in HTML
    context.install(app, context.Context(settings, KeyCache(settings.demo_key), broker_reachable))
    documentation = Documentation(app, spec_kwargs=_security())
    for blueprint in dict.fromkeys(resource.blueprint for resource in RESOURCES):  # several may share one
        documentation.register_blueprint(blueprint)
    app.register_blueprint(health.blueprint)
    request_log.register(app)
    responses.register(app)
    dashboard.register(app)
    app.before_request(_refuse_large)
    app.before_request(_renew_connection)
    app.teardown_request(_keep_connection)
    return app


def _security() -> dict[str, Any]:
    scheme = {"type": "http", "scheme": "bearer", "description": "A key that begins with sk_."}
    return {"components": {"securitySchemes": {"key": scheme}}, "security": [{"key": []}]}


def _refuse_large() -> None:
    """Check the stated length before anything reads or ignores the body; `read_bytes` counts a body without one."""
    length, limit = request.content_length, body_limit()
    # One more than allowed: werkzeug cuts a body without a stated length to this many bytes and raises no error.
    request.max_content_length = limit + 1
    if length is not None and length > limit:
        raise too_large(length)


def _renew_connection() -> None:
    with suppress(*Unreachable):
        drop_if_stale()


def _keep_connection(_: BaseException | None) -> None:
    try:
        keep_connection()
    except Unreachable as error:
        log.warning("request: its database connection broke, it is dropped: %s", error)
