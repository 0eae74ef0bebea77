"""Owns what the page tests share: browsers (cookies, forms with their token), signed in as two accounts."""

import pytest

from runtime import settings as booper_settings
from tests.support.apps import app_of
from tests.support.browsers import Browser, signed_in


@pytest.fixture
def app(db):
    return app_of(booper_settings.load({}))


@pytest.fixture
def nobody(app):
    """A browser that is not signed in."""
    return Browser(app)


@pytest.fixture
def alice(app):
    return signed_in(app, "alice")


@pytest.fixture
def bob(app):
    return signed_in(app, "bob")
