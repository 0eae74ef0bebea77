"""Channels over the API: set, listed, unset, written to."""

import json

import pytest

from models.database.sql import fetch
from models.jobs.job_tables import Job
from models.rules import clock
from models.webhooks import channels
from runtime import settings as booper_settings
from tests.support.api_client import ApiClient, errors_of
from tests.support.apps import app_of

MESSAGE = {"author": "alex", "content": "Hello!"}
SECRET = "B0XYZ-s3cret-Path"
URL = f"https://discord.example.com/api/webhooks/{SECRET}?wait={SECRET}"


def put(client, name="discord", url=URL):
    return client.ask("PUT", f"/api/channels/{name}", json={"url": url})


def test_the_demo_channel_keeps_a_message_without_a_key(client, app, moved_clock):
    answer = ApiClient(app).post("/api/channels/demo", json=MESSAGE)
    assert (answer.status_code, answer.json) == (200, {"data": MESSAGE})
    shown = {**MESSAGE, "inserted_at": "2026-01-01T09:00:00.000000Z"}
    assert client.get("/api/channels/demo/messages").json == {"data": [shown]}
    assert Job.select().count() == 0


def test_the_demo_channel_keeps_the_last_hundred_newest_first(client):
    """The demo channel keeps the last hundred newest first and not all of a long one."""
    for number in range(105):
        channels.keep(None, channels.Message("a", f"{number} {'x' * 5000}", clock.now()))
    kept = client.get("/api/channels/demo/messages").json["data"]
    assert [int(message["content"].split()[0]) for message in kept] == list(range(104, 4, -1))
    assert len(kept[0]["content"]) == channels.MAX_KEPT_CHARS


def test_the_demo_channels_table_grows_no_further_than_what_it_shows(db):
    for number in range(channels.KEPT_MESSAGES + 3):
        channels.keep(None, channels.Message("a", str(number), clock.now()))
    assert fetch("SELECT count(*) FROM channel_message") == [(channels.KEPT_MESSAGES,)]


@pytest.fixture
def production(app, db):  # noqa: ARG001 - the database of the app
    """The app as it is in production, on the same database."""
    return app_of(booper_settings.load({"BOOPER_BROKER_URL": "amqp://127.0.0.1"}))


def test_a2_in_production_the_demo_channel_takes_no_message_without_a_key(client, production):
    for asking in (ApiClient(production), ApiClient(production, "sk_wrong")):
        errors_of(asking.post("/api/channels/demo", json=MESSAGE), 401)
    errors_of(ApiClient(production).get("/api/channels/demo/messages"), 401)

    assert client.get("/api/channels/demo/messages").json == {"data": []}


def test_a2_in_production_each_account_has_a_demo_channel_of_its_own(client, stranger, production):
    client.app = stranger.app = production
    for number in range(channels.KEPT_MESSAGES + 1):
        stranger.post("/api/channels/demo", json={"author": "bob", "content": str(number)})

    client.post("/api/channels/demo", json=MESSAGE)

    (mine,) = client.get("/api/channels/demo/messages").json["data"]
    assert {name: mine[name] for name in MESSAGE} == MESSAGE
    listed = stranger.get("/api/channels/demo/messages").json["data"]
    assert {message["author"] for message in listed} == {"bob"}
    assert len(listed) == channels.KEPT_MESSAGES


def test_in_production_a_message_of_the_embedded_mode_is_nobodys(client, production):
    client.post("/api/channels/demo", json=MESSAGE)

    client.app = production

    assert client.get("/api/channels/demo/messages").json == {"data": []}


def test_in_embedded_mode_a_message_with_any_key_is_everybodys(client, app):
    assert ApiClient(app, "sk_wrong").post("/api/channels/demo", json=MESSAGE).status_code == 200
    assert client.post("/api/channels/demo", json=MESSAGE).status_code == 200

    assert len(client.get("/api/channels/demo/messages").json["data"]) == 2


def test_members_that_recurring_jobs_add_are_passed_over(client):
    added = {"$job": {"id": 5}, "$previous": {}, "$state": {}}
    assert client.post("/api/channels/demo", json={**MESSAGE, **added}).json == {"data": MESSAGE}


def test_a_channel_that_is_set_shows_its_host_alone(client):
    answer = put(client)
    assert answer.json == {"data": {"name": "discord", "set": True, "host": "discord.example.com"}}
    listed = client.get("/api/channels")
    assert listed.json["data"] == [answer.json["data"], {"name": "slack", "set": False, "host": None}]
    assert SECRET not in answer.text + listed.text


def test_a_message_is_forwarded_by_a_job_that_hides_the_url(client):
    """A message is forwarded by a job that does not show the URL."""
    put(client)

    assert client.post("/api/channels/discord", json=MESSAGE).json == {"data": MESSAGE}

    job = Job.get()
    assert (job.kind, job.state, job.host, job.hops) == ("channel", "available", "discord.example.com", 1)
    assert json.loads(job.body)["content"] == "**alex**: Hello!"

    listed = client.get("/api/jobs?kind=channel")
    shown = {"method": "post", "url": "https://discord.example.com/[redacted]", "channel": "discord"}
    assert listed.json["data"][0]["args"] == {**shown, "body": json.loads(job.body)}
    assert SECRET not in listed.text
    assert client.get("/api/jobs").json == {"data": []}


@pytest.mark.parametrize("name", ["discord", "slack", "nope", "%00"])
def test_a_channel_that_is_not_set_is_not_there(client, stranger, app, name):
    put(stranger)
    for asking in (client, ApiClient(app)):
        assert errors_of(asking.post(f"/api/channels/{name}", json=MESSAGE), 404) == {}
    assert Job.select().count() == 0


def test_a_wrong_key_for_a_channel_is_refused(client, app):
    put(client)
    assert ApiClient(app, "sk_wrong").post("/api/channels/discord", json=MESSAGE).status_code == 401


def test_a_channel_can_be_set_anew_and_unset(client):
    put(client)
    assert put(client, url="https://other.example.com/x").json["data"]["host"] == "other.example.com"
    assert client.ask("DELETE", "/api/channels/discord").status_code == 204
    assert client.ask("DELETE", "/api/channels/discord").status_code == 404
    assert errors_of(client.post("/api/channels/discord", json=MESSAGE), 404) == {}


@pytest.mark.parametrize("name", ["demo", "nope"])
def test_other_channels_can_not_be_set(client, name):
    assert errors_of(put(client, name), 404) == {}
    assert client.ask("DELETE", f"/api/channels/{name}").status_code == 404


@pytest.mark.parametrize("url", [f"ftp://a.example/{SECRET}", f"https://u:{SECRET}@a.example/", 5, None])
def test_a_wrong_url_is_refused_and_not_quoted(client, url):
    answer = put(client, url=url)
    assert set(errors_of(answer)) == {"url"}
    assert SECRET not in answer.text


def test_messages_that_forward_one_another_end(client):
    put(client)
    headers = {**client.headers, "Booper-Hop": "5"}
    answer = client.app.test_client().post("/api/channels/discord", json=MESSAGE, headers=headers)
    assert set(errors_of(answer)) == {"Booper-Hop"}
