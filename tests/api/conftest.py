"""Fixtures of the API's tests: the app on each database, a client with a key, another account's client."""

import pytest

from models.accounts import account_store
from models.database.connection import database
from models.rules import clock
from runtime import settings as booper_settings
from tests.support.api_client import ApiClient
from tests.support.apps import app_of


@pytest.fixture
def settings():
    return booper_settings.load({})


@pytest.fixture
def bare(settings):
    """A client without key of an app without database."""
    return ApiClient(app_of(settings))


@pytest.fixture
def app(db, settings):
    database.execute_sql("DELETE FROM idempotent_request")
    return app_of(settings)


@pytest.fixture
def client(app, account):
    """Alice's client."""
    return ApiClient(app, account_store.create_key(account, "test", clock.now())[1])


@pytest.fixture
def stranger(app):
    """Bob's client, on the same app."""
    bob = account_store.account_named("bob", clock.now())
    return ApiClient(app, account_store.create_key(bob, "test", clock.now())[1])
