"""Makes the Flask app: blueprints, limits, the documentation, the connection of each request.

The caller opens the database. A request connects when it first needs the database, and its thread keeps the connection
for the next request.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Flask, request

from api import batch_turns, context, dashboard, own_addresses, request_log
from api.documentation import Documentation, security
from api.key_cache import KeyCache
from api.path_prefix import below
from api.requests.reading.body import body_limit, too_large
from api.responses import responses
from api.routes import (
    batch,
    channels,
    endpoints,
    explain,
    flows,
    health,
    hosts,
    jobs,
    lanes,
    logs,
    pause,
    related,
    schedule_actions,
    schedule_preview,
    schedule_runs,
    schedules,
    signing_keys,
    try_targets,
)
from api.routes.alerts import alert_rules, badges, incidents, status_page
from api.routes.declarations import declaration_check, limits
from api.routes.operations import bulk_actions, failures, operations, replays, stats
from api.routes.recurring import backfills, calendars, schedule_check
from api.routes.targets import acks, groups, listeners
from models.database.connection import Unreachable, drop_if_stale, keep_connection
from models.database.host_clock import HostClock
from runtime.settings import Settings
from runtime.version import __version__

log = logging.getLogger(__name__)

RESOURCES = (
    jobs,
    batch,
    bulk_actions,
    operations,
    failures,
    replays,
    stats,
    flows,
    lanes,
    hosts,
    pause,
    explain,
    related,
    schedules,
    schedule_actions,
    schedule_runs,
    schedule_preview,
    schedule_check,
    logs,
    endpoints,
    signing_keys,
    channels,
    try_targets,
    acks,
    groups,
    listeners,
    calendars,
    backfills,
    alert_rules,
    incidents,
    badges,
    status_page,
    declaration_check,
    limits,
)


class App(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is. Flask asks of each of the 18 functions that it calls in a request whether it is
        a coroutine; none of ours is."""
        return func


def create_app(settings: Settings, broker_reachable: Callable[[], bool] | None = None) -> Flask:
    """The WSGI app. `broker_reachable` (production): whether the broker answers; only /readyz calls it."""
    app = App("booper", static_folder=None)
    app.config.update(
        API_TITLE="Booper",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
    )
    app.url_map.merge_slashes = False  # merging would answer // with a redirect in HTML
    app.wsgi_app = below(settings.path_prefix, app.wsgi_app)  # type: ignore[method-assign]
    context.install(app, context.Context(settings, KeyCache(settings.demo_key), broker_reachable, HostClock()))
    documentation = Documentation(app, spec_kwargs=security())
    app.extensions[Documentation.EXTENSION] = documentation
    documentation.server = settings.path_prefix or "/"
    for blueprint in dict.fromkeys(resource.blueprint for resource in RESOURCES):  # several may share one
        documentation.register_blueprint(blueprint)
    app.add_url_rule("/api/openapi.json", "openapi", documentation.view)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(badges.images)
    request_log.register(app)
    batch_turns.register(app)
    responses.register(app)
    dashboard.register(app)
    own_addresses.register(app)
    app.before_request(_refuse_large)
    app.before_request(_renew_connection)
    app.teardown_request(_keep_connection)
    return app


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
