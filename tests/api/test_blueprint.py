"""A new resource is safe before anybody has thought of keys."""

import pytest
from flask import Flask

from api import context
from api.blueprint import Blueprint
from api.key_cache import KeyCache
from api.responses import responses
from models.database.host_clock import HostClock
from tests.support.api_client import ApiClient, errors_of


@pytest.fixture
def client_of(settings):
    """A function from a blueprint to a client, without a key, of an app that has this blueprint alone."""

    def client(blueprint):
        app = Flask("test")
        blueprint.add_url_rule("/secrets", "secrets", lambda: {"data": "secret"})
        app.register_blueprint(blueprint)
        context.install(app, context.Context(settings, KeyCache(""), None, HostClock()))
        responses.register(app)
        return ApiClient(app)

    return client


def test_a_new_blueprint_requires_a_key(client_of):
    answer = client_of(Blueprint("new", __name__)).get("/api/secrets")

    assert errors_of(answer, 401) == {}
    assert "secret" not in answer.text


def test_a_blueprint_that_is_open_to_all_requires_none(client_of):
    answer = client_of(Blueprint("new", __name__, open_to_all=True)).get("/api/secrets")

    assert answer.json == {"data": "secret"}
