"""A new resource is safe before anybody has thought of keys."""

import pytest
from flask import Flask
from marshmallow import fields

from api import context
from api.blueprint import Blueprint
from api.key_cache import KeyCache
from api.requests.reading.strict_schema import Strict
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


def with_query(blueprint):
    """The blueprint with a route that takes `host` in its query."""

    @blueprint.route("/lists")
    @blueprint.arguments(HostQuery(), location="query")
    def lists(query):
        return {"data": query}

    return blueprint


class HostQuery(Strict):
    host = fields.String()


@pytest.fixture
def keyless(monkeypatch):
    """Lets every request pass that would need a key."""
    monkeypatch.setattr("api.blueprint.require_key", lambda: None)


def test_a_route_without_a_query_refuses_one(client_of, keyless):
    answer = client_of(Blueprint("new", __name__)).get("/api/secrets?host=x&state=due")

    assert set(errors_of(answer, 422)) == {"host", "state"}
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/api/secrets", "/api/secrets?", "/api/lists", "/api/lists?host=x"])
def test_a_declared_query_or_none_is_taken(client_of, keyless, path):
    assert client_of(with_query(Blueprint("new", __name__))).get(path).status_code == 200


def test_a_route_that_writes_passes_over_a_query(client_of, keyless):
    blueprint = Blueprint("new", __name__)

    @blueprint.route("/orders", methods=["POST"])
    def order():
        return {"data": "ordered"}

    assert client_of(blueprint).post("/api/orders?host=x").status_code == 200


def test_an_unknown_member_beside_a_declared_one_is_refused(client_of, keyless):
    answer = client_of(with_query(Blueprint("new", __name__))).get("/api/lists?host=x&state=due")
    assert set(errors_of(answer, 422)) == {"state"}


def test_a_blueprint_that_is_open_to_all_takes_any_query(client_of):
    answer = client_of(Blueprint("new", __name__, open_to_all=True)).get("/api/secrets?cache=7")
    assert answer.json == {"data": "secret"}


def test_without_a_key_nobody_learns_which_query_a_route_takes(client_of):
    assert errors_of(client_of(Blueprint("new", __name__)).get("/api/secrets?host=x"), 401) == {}
