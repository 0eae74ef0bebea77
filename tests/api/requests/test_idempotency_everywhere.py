"""The header `Idempotency-Key` on every POST that makes something: the rules are those of jobs."""

import pytest

from models.database.sql import fetch
from models.rules import clock
from models.webhooks import channels
from tests.support.api_client import URL, errors_of
from tests.support.races import map_at_once

SCHEDULE = {"url": URL, "repeat_every": 3600}
ENDPOINT = {"url": "https://hooks.example.com/events"}
MESSAGE = {"author": "alex", "content": "hello"}
# What is made: the address, the fields, other fields that are as good, and the table that counts.
MAKERS = {
    "a job": ("/api/jobs", {"url": URL}, {"url": URL, "method": "post"}, "job"),
    "a batch": ("/api/jobs/batch", {"jobs": [{"url": URL}]}, {"jobs": [{"url": URL}] * 2}, "job"),
    "a schedule": ("/api/schedules", SCHEDULE, SCHEDULE | {"repeat_every": 7200}, "schedule"),
    "an operation": ("/api/jobs/cancel", {"all": True}, {"filter": {"name": "a"}}, "operation"),
    "an endpoint": ("/api/endpoints", ENDPOINT, ENDPOINT | {"enabled": False}, "endpoint"),
    "a signing key": ("/api/signing-keys", {}, {"secret": "whsec_" + "A" * 32}, "signing_key"),
    "a message": ("/api/channels/slack", MESSAGE, MESSAGE | {"content": "bye"}, "job"),
}


@pytest.fixture
def poster(client, account):
    """POST with the header."""
    channels.configure(account.id, "slack", "https://slack.example/s3cret", clock.now())
    return lambda path, fields, key="k": client.post(path, json=fields, headers={"Idempotency-Key": key})


def count(table):
    return fetch(f"SELECT count(*) FROM {table}")[0][0]


@pytest.mark.parametrize("made", MAKERS)
def test_r6_the_same_again_gets_the_same_answer_and_makes_nothing(poster, made):
    path, fields, _, table = MAKERS[made]
    first = poster(path, fields)
    before = count(table)

    again = poster(path, fields)

    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert first.status_code in (200, 201, 202)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert count(table) == before


@pytest.mark.parametrize("made", MAKERS)
def test_other_fields_with_the_same_key_are_refused(poster, made):
    path, fields, others, table = MAKERS[made]
    poster(path, fields)
    before = count(table)
    answer = poster(path, others)
    assert answer.status_code == 422
    assert errors_of(answer)["Idempotency-Key"] == [
        "must be a new key for a request with other fields, got one used within the last 24 hours"
    ]
    assert count(table) == before


@pytest.mark.parametrize("made", MAKERS)
def test_another_key_makes_another(poster, made):
    path, fields, _, table = MAKERS[made]
    poster(path, fields, "a")
    before = count(table)
    assert "Idempotent-Replayed" not in poster(path, fields, "b").headers
    assert count(table) > before


@pytest.mark.parametrize("made", MAKERS)
def test_many_at_once_make_one(poster, made):
    path, fields, _, table = MAKERS[made]
    poster(path, fields, "before")
    before = count(table)
    answers = map_at_once(lambda _: poster(path, fields), range(6))
    assert {answer.status_code for answer in answers} <= {200, 201, 202}
    assert len({answer.text for answer in answers}) == 1
    assert count(table) == before + 1


def test_a_run_ordered_again_with_its_key_is_the_same_run(poster):
    schedules = [poster("/api/schedules", SCHEDULE | {"schedule_in": 60}, key).json["data"]["id"] for key in "ab"]
    runs = [poster(f"/api/schedules/{schedules[0]}/run", {}, "run") for _ in range(2)]
    assert runs[0].json == runs[1].json
    assert poster(f"/api/schedules/{schedules[1]}/run", {}, "run").status_code == 422  # another schedule


def test_the_same_fields_at_another_address_are_another_request(poster):
    assert poster("/api/jobs", SCHEDULE).status_code == 201
    assert poster("/api/schedules", SCHEDULE).status_code == 422


def test_a_refused_request_does_not_use_up_its_key(poster):
    assert poster("/api/schedules", SCHEDULE | {"repeat_every": -1}).status_code == 422
    assert poster("/api/schedules", SCHEDULE).status_code == 201


def test_a_limit_that_refuses_does_not_use_up_the_key(poster, client):
    keys = [client.post("/api/signing-keys").json["data"]["id"] for _ in range(2)]
    assert poster("/api/signing-keys", {}).status_code == 409
    client.post(f"/api/signing-keys/{keys[0]}/retire")
    assert poster("/api/signing-keys", {}).status_code == 201


def test_a_key_that_is_no_key_is_refused(poster):
    assert poster("/api/schedules", SCHEDULE, "k" * 256).status_code == 422


def test_a_key_belongs_to_its_account_here_too(client, stranger):
    headers = {"Idempotency-Key": "k"}
    answers = [each.post("/api/schedules", json=SCHEDULE, headers=headers).json["data"] for each in (client, stranger)]
    assert answers[0]["id"] != answers[1]["id"]


def test_the_secret_is_replayed_and_not_stored_with_the_answer(poster):
    secret = poster("/api/signing-keys", {}).json["data"]["secret"]
    assert poster("/api/signing-keys", {}).json["data"]["secret"] == secret
    assert secret.startswith("whsec_")
    assert secret not in str(fetch("SELECT answer FROM idempotent_request"))


def test_a_retired_key_is_replayed_as_it_was(poster, client):
    made = poster("/api/signing-keys", {}).json["data"]
    client.post(f"/api/signing-keys/{made['id']}/retire")
    assert poster("/api/signing-keys", {}).json["data"] == made


# A repeated one does nothing more: these make nothing.
REPEATABLE = {
    *("/api/jobs/{key}/cancel", "/api/schedules/{key}/disable", "/api/schedules/{key}/enable"),
    *("/api/signing-keys/{key}/retire", "/api/echo", "/api/broadcast"),
    *("/api/flows/{flow}/pause", "/api/flows/{flow}/resume", "/api/flows/{flow}/reset"),
    *("/api/lanes/{lane}/pause", "/api/lanes/{lane}/resume", "/api/hosts/{host}/pause", "/api/hosts/{host}/resume"),
    *("/api/pause", "/api/resume", "/api/operations/{key}/cancel", "/api/acks/{token}"),
    *("/api/backfills/{key}/cancel", "/api/incidents/{key}/acknowledge", "/api/incidents/{key}/close"),
    *(
        "/api/incidents/{key}/mute",
        "/api/schedules/check",
        "/api/declarations/check",
        "/api/jobs/{key}/run-now",
        "/api/status-page",
    ),
    "/api/listeners/{listener}/requests/{request_id}/answer",
    "/api/listeners/{listener}/take",  # gives each request once, whoever asks
}


def test_r6_every_other_post_takes_the_header(client):
    paths = client.get("/api/openapi.json").json["paths"]
    takes = {
        path: "Idempotency-Key" in [parameter.get("name") for parameter in operations["post"].get("parameters", [])]
        for path, operations in paths.items()
        if "post" in operations
    }
    assert {path for path, is_taken in takes.items() if not is_taken} == REPEATABLE
