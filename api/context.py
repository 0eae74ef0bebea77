"""Keeps with the app what it needs from outside: settings, the cache of keys, the check of the broker, the host clock.

`create_app` fills it; whoever serves a request reads it through the functions here. The secret of sessions is read from
the database when it is first needed.
"""

from collections.abc import Callable
from typing import NamedTuple

from flask import Flask, current_app

from api.key_cache import KeyCache
from models.accounts import session_store
from models.database.host_clock import HostClock
from runtime.settings import Settings

NAME = "booper"
SECRET = "booper_session_secret"  # noqa: S105 - the name of the secret among the app's extensions


class Context(NamedTuple):
    settings: Settings
    known_keys: KeyCache
    broker_reachable: Callable[[], bool] | None
    host_clock: HostClock


def install(app: Flask, context: Context) -> None:
    app.extensions[NAME] = context


def context() -> Context:
    """The context of the app that serves this request."""
    installed: Context = current_app.extensions[NAME]
    return installed


def settings() -> Settings:
    return context().settings


def session_secret() -> str:
    """The secret of sessions, acknowledgements and badges; read from the database once for each app."""
    extensions = current_app.extensions
    if SECRET not in extensions:
        extensions[SECRET] = session_store.session_secret()
    secret: str = extensions[SECRET]
    return secret


def demo_is_open() -> bool:
    """Whether everybody shares the demo channel, without a key: in embedded mode, where one person tries things out."""
    return settings().embedded
