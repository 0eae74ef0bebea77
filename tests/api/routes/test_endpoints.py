"""Endpoints over the API: add, list, show, change, delete."""

import pytest

from models.rules import clock
from models.webhooks import endpoints
from models.webhooks.event_types import EVENT_TYPES
from tests.support.api_client import errors_of
from tests.support.races import at_once

PATH = "/api/endpoints"
URL = "https://hooks.example.com/events"


def create_endpoint(client, **fields):
    answer = client.post(PATH, json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def test_an_endpoint_takes_all_events_and_is_enabled_unless_it_says_otherwise(client, moved_clock):
    endpoint = create_endpoint(client)
    shown = {"url": URL, "types": None, "enabled": True, "inserted_at": "2026-01-01T09:00:00.000000Z"}
    assert endpoint == {"id": endpoint["id"], **shown}
    assert client.get(f"{PATH}/{endpoint['id']}").json["data"] == endpoint
    assert client.get(PATH).json["data"] == [endpoint]


def test_types_are_kept_once_and_in_order(client):
    assert create_endpoint(client, types=["job.finished", "job.started", "job.finished"])["types"] == [
        "job.started",
        "job.finished",
    ]
    assert create_endpoint(client, types=list(EVENT_TYPES))["types"] == list(EVENT_TYPES)


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"enabled": False}, {"enabled": False}),
        ({"types": ["job.error"]}, {"types": ["job.error"]}),
        ({"types": None}, {"types": None}),
        ({"url": f"{URL}/2"}, {"url": f"{URL}/2"}),
        ({}, {}),
    ],
)
def test_a_change_leaves_the_rest(client, change, shown):
    endpoint = create_endpoint(client, types=["job.started"])
    changed = client.ask("PATCH", f"{PATH}/{endpoint['id']}", json=change).json["data"]
    assert changed == {**endpoint, **shown}
    assert client.get(PATH).json["data"] == [changed]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"url": "ftp://a.example"}, "url"),
        ({"url": None}, "url"),
        ({"types": []}, "types"),
        ({"types": ["job.nope"]}, "types"),
        ({"types": "job.started"}, "types"),
        ({"types": [["job.started"]]}, "types"),
        ({"enabled": 1}, "enabled"),
        ({"enabled": None}, "enabled"),
        ({"typs": []}, "typs"),
    ],
)
def test_a_wrong_field_is_refused(client, fields, path):
    endpoint = create_endpoint(client)
    for answer in (
        client.post(PATH, json={"url": URL, **fields}),
        client.ask("PATCH", f"{PATH}/{endpoint['id']}", json=fields),
    ):
        assert set(errors_of(answer)) == {path}


def test_a_url_is_needed(client):
    assert set(errors_of(client.post(PATH, json={}))) == {"url"}


def test_a_deleted_endpoint_is_gone(client):
    path = f"{PATH}/{create_endpoint(client)['id']}"
    answer = client.ask("DELETE", path)
    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(PATH).json == {"data": []}
    for method in ("GET", "DELETE"):
        assert errors_of(client.ask(method, path), 404) == {}


def test_an_account_has_only_so_many(client, stranger, monkeypatch):
    monkeypatch.setattr(endpoints, "MAX_ENDPOINTS", 2)
    create_endpoint(client), create_endpoint(client)
    assert client.post(PATH, json={"url": URL}).json["error"]["code"] == "conflict"
    create_endpoint(stranger)


def test_many_made_at_once_are_no_more_than_an_account_may_have(account):
    for _ in range(endpoints.MAX_ENDPOINTS - 1):
        endpoints.create(account.id, URL, None, True, clock.now())

    results = at_once(*[lambda: endpoints.create(account.id, URL, None, True, clock.now())] * 8)

    assert sorted(type(result).__name__ for result in results) == ["Endpoint", *["NoneType"] * 7]
    assert len(endpoints.listed(account.id)) == endpoints.MAX_ENDPOINTS == 20


def test_a_second_one_with_the_url_is_refused_only_where_it_has_to_be_unique(client, stranger):
    assert [client.post(PATH, json={"url": URL, "unique": True}).status_code for _ in range(2)] == [201, 409]
    assert client.post(PATH, json={"url": f"{URL}/2", "unique": True}).status_code == 201
    assert stranger.post(PATH, json={"url": URL, "unique": True}).status_code == 201
    create_endpoint(client)
    for endpoint in client.get(PATH).json["data"]:
        client.ask("DELETE", f"{PATH}/{endpoint['id']}")
    assert client.post(PATH, json={"url": URL, "unique": True}).status_code == 201


def test_of_many_made_at_once_that_have_to_be_unique_one_is_made(account):
    results = at_once(*[lambda: endpoints.create(account.id, URL, None, True, clock.now(), unique=True)] * 8)

    assert sorted(type(result).__name__ for result in results) == ["Endpoint", *["NotUnique"] * 7]
    assert len(endpoints.listed(account.id)) == 1


def test_an_endpoint_of_another_account_stays_as_it_is(client, stranger):
    endpoint = create_endpoint(client)
    path = f"{PATH}/{endpoint['id']}"
    assert errors_of(stranger.ask("PATCH", path, json={"enabled": False}), 404) == {}
    assert errors_of(stranger.ask("DELETE", path), 404) == {}
    assert stranger.get(PATH).json == {"data": []}
    assert client.get(path).json["data"] == endpoint
