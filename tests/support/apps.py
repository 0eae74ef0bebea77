"""Makes the apps that tests call, and lists their pages.

One app for each settings, made once, because making it takes longer than most tests. Each test gets it as if it were
new: its caches are empty.
"""

from functools import cache

from api import context, create_app
from api.key_cache import KeyCache
from models.database.host_clock import HostClock

PAGES = [  # that stand by themselves
    "/",
    "/jobs",
    "/jobs/new",
    "/schedules",
    "/calendars",
    "/failures",
    "/find",
    "/operations",
    "/flows",
    "/lanes",
    "/hosts",
    "/groups",
    "/logs",
    "/keys",
    "/signing-keys",
    "/endpoints",
    "/channels",
    "/alerts",
    "/api/docs",
]
_made = cache(create_app)


def app_of(settings):
    app = _made(settings)
    app.extensions.pop(context.SECRET, None)
    context.install(app, context.Context(settings, KeyCache(settings.demo_key), None, HostClock()))
    return app
