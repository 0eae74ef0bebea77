"""Owns what the views need from outside, kept with the app: settings, the keys seen lately, how to ask for the broker.

Knows nothing of jobs. `create_app` fills it in; views ask it through the functions here.
"""

from collections.abc import Callable
from typing import NamedTuple

from flask import Flask, current_app

from api.key_cache import KeyCache
from runtime.settings import Settings

NAME = "booper"


class Context(NamedTuple):
    settings: Settings
    known_keys: KeyCache
    broker_reachable: Callable[[], bool] | None


def install(app: Flask, wiring: Context) -> None:
    app.extensions[NAME] = wiring


def context() -> Context:
    """That of the app whose request this is."""
    found: Context = current_app.extensions[NAME]
    return found


def settings() -> Settings:
    return context().settings
