"""Listeners by HTTP: jobs that name one, taking requests, answering them."""

import base64
import threading
import time

import pytest
from peewee import OperationalError

from api import context, held_threads
from api.requests.options import listener_answers
from api.routes.targets import listeners
from models.jobs.job_tables import Attempt, Job
from models.rules import clock
from runtime import signals
from tests.support.api_client import errors_of, one_database
from tests.support.listeners import end_over, hand
from tests.support.rows import claim_of, reread
from tests.support.waiting import wait_until
from workers.delivery.config_cache import ConfigCache
from workers.delivery.listening.hand_over import hand_over
from workers.delivery.render import render_request
from workers.transport import answer_reader

URL = "listener://laptop/hook?a=1"
NOW = {"wait": 0}


@pytest.fixture(autouse=True)
def own_places(monkeypatch):
    monkeypatch.setattr(held_threads, "places", held_threads.Places())
    monkeypatch.setattr(signals, "stopping", signals.Flag())


def order(client, **fields):
    """A job whose request waits for its listener."""
    created = client.created(url=URL, method="post", **fields)
    hand(claim_of(Job.get_by_id(created["job_id"])))
    return created


def take(client, listener="laptop", **fields):
    answer = client.post(f"/api/listeners/{listener}/take", json={**NOW, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def reply(client, taken, listener="laptop", **fields):
    path = f"/api/listeners/{listener}/requests/{taken['id']}/answer"
    return client.post(path, json=fields or {"status": 200})


def test_a_job_may_name_a_listener_in_the_place_of_a_host(client):
    job = client.created(url=URL)
    assert job["args"]["url"] == URL
    assert Job.get().host == "laptop.listener"
    assert [row["id"] for row in client.get("/api/jobs?host=laptop.listener").json["data"]] == [job["id"]]


@pytest.mark.parametrize("field", ["callback_url", "failure_callback_url", "webhook_url"])
def test_so_may_what_is_notified_of_a_job(client, field):
    client.created(**{field: "listener://laptop/"})


def test_so_may_a_schedule_a_target_of_a_group_and_an_endpoint(client):
    client.created(url=URL, cron="@daily")
    targets = {"targets": [{"name": "me", "url": URL}]}
    assert client.ask("PUT", "/api/groups/g", json=targets).status_code == 201
    assert client.post("/api/endpoints", json={"url": URL}).status_code == 201


@one_database
@pytest.mark.parametrize("path", ["/api/channels/slack", "/api/alerts"])
def test_messages_to_people_go_to_no_listener(client, path):
    body = {"url": URL} if "channels" in path else {"name": "a", "to": [{"webhook": URL}]}
    method = "PUT" if "channels" in path else "POST"
    assert "must be an https URL" in str(errors_of(client.ask(method, path, json=body)))


@one_database
@pytest.mark.parametrize("url", ["listener://", "listener://Me/", "listener://a b/", "listener://a.b/"])
def test_an_address_without_a_proper_name_is_refused(client, url):
    assert errors_of(client.create(url=url)).keys() == {"url"}


@one_database
def test_without_listeners_their_addresses_are_refused_and_nobody_takes(client):
    object.__setattr__(client.app.extensions[context.NAME].settings, "max_listeners", 0)
    assert errors_of(client.create(url=URL)) == {"url": ["must be an https URL, got the scheme 'listener'"]}
    errors_of(client.post("/api/listeners/laptop/take", json=NOW), 409)


def test_a_listener_takes_a_request_and_its_answer_is_that_of_the_attempt(client):
    job = order(client, body={"a": 1}, headers={"X-Mine": "yes"})

    [taken] = take(client)

    assert (taken["job_id"], taken["attempt"], taken["method"], taken["path"]) == (
        job["job_id"],
        1,
        "POST",
        "/hook?a=1",
    )
    assert base64.b64decode(taken["body_base64"]) == b'{"a": 1}'
    assert (taken["headers"]["X-Mine"], taken["headers"]["Booper-Job-Id"]) == ("yes", job["id"])
    assert 0 < taken["seconds_left"] <= 30
    body = base64.b64encode(b"done").decode()
    answer = reply(client, taken, status=201, headers=[["X-A", "1"], ["X-A", "2"]], body_base64=body)
    assert answer.json == {"data": {"accepted": True}}
    end_over()
    assert client.get(f"/api/jobs/{job['id']}").json["data"]["job"]["state"] == "completed"
    [attempt] = client.get(f"/api/jobs/{job['id']}/attempts").json["data"]
    assert (attempt["outcome"], attempt["status_code"]) == ("answered", 201)
    [entry] = client.get("/api/logs?event=worker.http.response").json["data"]
    assert entry["payload"]["body"] == "done"


def test_a_header_of_an_answer_loses_the_spaces_around_it_as_that_of_any_target_does(client):
    order(client)

    reply(client, take(client)[0], status=200, headers=[["X-A", " \t1 2\t "]])
    end_over()

    [entry] = client.get("/api/logs?event=worker.http.response").json["data"]
    assert entry["payload"]["headers"]["X-A"] == "1 2"


def test_a_request_without_a_body_has_none(client):
    order(client)
    assert take(client)[0]["body_base64"] is None


def test_a_request_is_signed_by_the_account_s_key(client):
    client.post("/api/signing-keys")
    created = client.created(url=URL, body="x")
    claim, configs = claim_of(Job.get_by_id(created["job_id"])), ConfigCache()
    configs.refresh({claim.account_id})

    hand_over(claim, render_request(claim, configs.of(claim.account_id)), configs)

    headers = take(client)[0]["headers"]
    assert (headers["webhook-id"], headers["webhook-signature"][:3]) == (created["id"], "v1,")


def test_an_error_in_the_place_of_an_answer_is_the_reason_of_the_attempt(client):
    job = order(client, max_attempts=1)
    assert reply(client, take(client)[0], error="connection_refused").status_code == 200
    end_over()
    assert Attempt.get().reason == "connection_refused"
    assert reread(Job.get_by_id(job["job_id"])).state == "discarded"


def test_an_answer_counts_once_and_in_time_only(client, moved_clock):
    order(client)
    [taken] = take(client)
    assert reply(client, taken).status_code == 200
    errors_of(reply(client, taken), 409)

    order(client)
    [late] = take(client)
    moved_clock.advance(seconds=30)
    errors_of(reply(client, late), 410)
    end_over()
    errors_of(reply(client, late), 410)


def test_only_who_took_a_request_may_answer_it(client, stranger):
    order(client)
    [taken] = take(client)
    missing = {"id": "0198b5a0-0000-7000-8000-000000000000"}
    foreign = errors_of(reply(stranger, taken), 404)
    assert foreign == errors_of(reply(client, missing), 404) == errors_of(reply(client, {"id": "7"}), 404)
    errors_of(reply(client, taken, listener="desktop"), 404)
    assert take(stranger) == []


@one_database
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"status": 200, "error": "timeout"}, "status"),
        ({"headers": []}, "status"),
        ({"status": 199}, "status"),
        ({"status": 600}, "status"),
        ({"status": "200"}, "status"),
        ({"error": "fire"}, "error"),
        ({"status": 200, "headers": [["a", "b", "c"]]}, "headers"),
        ({"status": 200, "headers": [["a b", "c"]]}, "headers"),
        ({"status": 200, "headers": [["a", "b\r\nc: d"]]}, "headers"),
        ({"status": 200, "headers": [["a", "b"]] * 101}, "headers"),
        ({"status": 200, "headers": [["a", "b" * 70_000]]}, "headers"),
        ({"status": 200, "headers": {"a": "b"}}, "headers"),
        ({"status": 200, "body_base64": "?"}, "body_base64"),
        ({"status": 200, "truncated": 1}, "truncated"),
        ({"status": 200, "body": "x"}, "body"),
    ],
)
def test_what_is_no_answer_is_refused_and_says_what_is_wrong(client, fields, wrong):
    order(client)
    [taken] = take(client)
    assert wrong in errors_of(reply(client, taken, **fields))
    assert reply(client, taken).status_code == 200


@one_database
@pytest.mark.parametrize("fields", [{"wait": -1}, {"wait": 21}, {"wait": "1"}, {"limit": 0}, {"limit": 51}, {"x": 1}])
def test_what_asks_wrongly_is_refused(client, fields):
    assert errors_of(client.post("/api/listeners/laptop/take", json=fields)).keys() == fields.keys()


@one_database
def test_a_name_that_no_listener_may_have_is_refused(client):
    assert errors_of(client.post("/api/listeners/Me.Too/take", json=NOW)).keys() == {"listener"}


def test_an_account_has_so_many_listeners_at_once_and_a_list_of_them(client, moved_clock):
    for name in "edcba":
        take(client, name)
    errors_of(client.post("/api/listeners/f/take", json=NOW), 409)
    order(client)
    moved_clock.advance(seconds=61)
    take(client, "laptop")
    rows = client.get("/api/listeners").json["data"]
    assert [(row["name"], row["connected"]) for row in rows] == [
        *((name, False) for name in "abcde"),
        ("laptop", True),
    ]


def test_who_waits_gets_a_request_that_comes_meanwhile(app, client):
    got = []
    waits = threading.Thread(target=lambda: got.extend(take(client, wait=20)), name="laptop")
    waits.start()
    wait_until(lambda: held_threads.places._taken.total() == 1)

    order(client)

    waits.join(10)
    assert len(got) == 1
    assert held_threads.places._taken.total() == 0


@one_database
def test_who_waits_is_answered_when_the_process_stops(client):
    waits = threading.Thread(target=lambda: take(client, wait=20), name="laptop")
    waits.start()
    wait_until(lambda: held_threads.places._taken.total() == 1)
    signals.stopping.set()
    waits.join(15)
    assert not waits.is_alive()


def test_who_waits_frees_its_place_also_when_the_database_goes_away(client, monkeypatch):
    """Each place that is not freed is one that no other machine can wait in, until the process is started anew."""
    looks = iter([[], OperationalError("connection refused")])

    def look(*_):
        taken = next(looks)
        if isinstance(taken, Exception):
            raise taken
        return taken

    monkeypatch.setattr(listeners.open_requests, "take", look)

    errors_of(client.post("/api/listeners/laptop/take", json={"wait": 20}), 503)

    assert held_threads.places._taken.total() == 0


@one_database
def test_who_gets_no_thread_to_wait_in_is_answered_at_once(client, account, monkeypatch):
    monkeypatch.setattr(held_threads, "places", held_threads.Places(places=0))
    monkeypatch.setattr(listeners, "LOOK_EVERY_S", 3600)
    began_s = time.monotonic()
    assert take(client, wait=20) == []
    assert time.monotonic() - began_s < 20


def test_a_job_explains_that_its_listener_is_away_or_has_it(client, moved_clock):
    job = order(client)
    explained = lambda: client.get(f"/api/jobs/{job['id']}/explain").json["data"]["reasons"][0]  # noqa: E731

    assert (explained()["code"], "No listener of the name laptop" in explained()["text"]) == ("listener_away", True)
    client.post("/api/listeners/laptop/take", json={**NOW, "limit": 1})
    assert explained()["code"] == "waits_for_listener"
    assert "took it at" in explained()["text"]
    moved_clock.advance(seconds=30)
    end_over()
    assert explained()["code"] == "waits_for_retry"


def test_a_connected_listener_that_has_not_taken_it_yet_is_not_away(client, moved_clock):
    take(client)
    job = order(client)
    assert client.get(f"/api/jobs/{job['id']}/explain").json["data"]["reasons"][0]["code"] == "waits_for_listener"


def test_after_an_attempt_without_a_listener_the_wait_says_why(client, moved_clock):
    job = order(client)
    moved_clock.advance(seconds=30)
    end_over()
    [reason] = client.get(f"/api/jobs/{job['id']}/explain").json["data"]["reasons"][:1]
    assert "no listener of this name took the request in time" in reason["text"]
    assert Job.get().scheduled_at > clock.now()


def test_a_listener_may_answer_with_as_many_headers_as_any_target():
    taken = listener_answers.MAX_HEADERS, listener_answers.MAX_HEADER_BYTES
    assert taken == (answer_reader.MAX_HEADERS, answer_reader.MAX_HEAD_BYTES)
