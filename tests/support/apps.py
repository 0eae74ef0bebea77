"""Owns the apps that tests ask, and which pages they have.

One app for each settings, made once, since it takes longer to make than most tests last. Each test finds it as if it
were new: it remembers nothing of another test's database.
"""

from functools import cache

from api import context, create_app
from api.dashboard import sessions
from api.key_cache import KeyCache

PAGES = [  # that stand by themselves
    "/",
    "/jobs",
    "/jobs/new",
    "/schedules",
    "/failures",
    "/logs",
    "/keys",
    "/signing-keys",
    "/endpoints",
    "/channels",
]
_made = cache(create_app)


def app_of(settings):
    app = _made(settings)
    app.extensions.pop(sessions.EXTENSION, None)
    context.install(app, context.Context(settings, KeyCache(settings.demo_key), None))
    return app
