"""POST /api/jobs: what is stored and what the response has."""

import json
import re

import pytest

from models.database.sql import fetch
from models.jobs.job_store import JobRow
from tests.support.api_client import URL, errors_of, one_database

OUTER = {
    "id",
    "idempotency_key",
    "inserted_at",
    "name",
    "description",
    "user_id",
    "schedule_id",
    "job_id",
    "job",
    "args",
}
INNER = {
    "attempted_at",
    "cancelled_at",
    "completed_at",
    "discarded_at",
    "has_confict",
    "id",
    "inserted_at",
    "scheduled_at",
    "state",
}


def stored(job):
    columns = "args, body, content_type, max_attempts, timeout_ms, state, scheduled_at, inserted_at, attempt, kind"
    (row,) = fetch(f"SELECT {columns} FROM job WHERE id = %s", (job["job_id"],))
    return dict(zip(columns.split(", "), row, strict=True))


def test_a_job_has_exactly_the_keys_and_timestamps_of_the_contract(client, account, moved_clock):
    moved_clock.now += 123
    job = client.created(method="post", schedule_in=[30, "seconds"], body={"author": "alex"})

    assert set(job) == OUTER
    assert set(job["job"]) == INNER
    assert job["inserted_at"] == "2026-01-01T09:00:00"
    assert job["job"]["inserted_at"] == "2026-01-01T09:00:00.000123Z"
    assert job["job"]["scheduled_at"] == "2026-01-01T09:00:30.000123Z"
    assert job["job_id"] == job["job"]["id"]
    assert job["user_id"] == account.uuid
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", job["id"])
    assert job["job"]["has_confict"] is False


def test_a_job_without_a_time_is_available_at_once(client, moved_clock):
    job = client.created()
    assert job["job"]["state"] == "available"
    assert job["job"]["scheduled_at"] == job["job"]["inserted_at"]
    assert stored(job)["scheduled_at"] == moved_clock.now


@pytest.mark.parametrize(
    ("fields", "state", "scheduled_at"),
    [
        ({"schedule_in": 0}, "available", "2026-01-01T09:00:00.000000Z"),
        ({"schedule_in": 1.5}, "scheduled", "2026-01-01T09:00:01.500000Z"),
        ({"schedule_in": [2, "weeks"]}, "scheduled", "2026-01-15T09:00:00.000000Z"),
        ({"schedule_in": None, "scheduled_at": None}, "available", "2026-01-01T09:00:00.000000Z"),
        ({"scheduled_at": "2001-01-01T00:00:00Z"}, "available", "2026-01-01T09:00:00.000000Z"),
        ({"scheduled_at": "2026-01-01T10:00:01.25+01:00"}, "scheduled", "2026-01-01T09:00:01.250000Z"),
        ({"scheduled_at": 1767258001}, "scheduled", "2026-01-01T09:00:01.000000Z"),
        ({"scheduled_at": 1767258001500}, "scheduled", "2026-01-01T09:00:01.500000Z"),
        ({"schedule_in": [366, "days"]}, "scheduled", "2027-01-02T09:00:00.000000Z"),
    ],
)
def test_a_job_is_due_at_the_requested_time(client, moved_clock, fields, state, scheduled_at):
    job = client.created(**fields)
    assert (job["job"]["state"], job["job"]["scheduled_at"]) == (state, scheduled_at)


def test_args_are_the_request_as_sent_with_nothing_added(client):
    sent = {
        "method": "PoSt",
        "query": {"a": [1, "2"], "b": None, "c": {"d": True}},
        "headers": {"X-One": "1"},
        "schedule_in": [5.0, "minutes"],
        "timeout": 3,
        "name": "n",
        "description": "ä",
        "body": {"deep": [1, {"x": None}]},
    }
    job = client.created(**sent)

    assert job["args"] == {**sent, "url": URL, "method": "post"}
    assert client.created()["args"] == {"url": URL}
    assert (job["name"], job["description"]) == ("n", "ä")


@pytest.mark.parametrize(
    ("written", "body", "content_type"),
    [
        ('"héllo"', "héllo".encode(), "text/plain; charset=utf-8"),
        ('""', b"", "text/plain; charset=utf-8"),
        (r'"\u00e9\n"', "é\n".encode(), "text/plain; charset=utf-8"),
        ('{"b": 1.50,  "a":[ 1e2 ]}', b'{"b": 1.50,  "a":[ 1e2 ]}', "application/json"),
        ('{"u": "\\u00e9"}', b'{"u": "\\u00e9"}', "application/json"),
        ("[]", b"[]", "application/json"),
        ("0", b"0", "application/json"),
        ("false", b"false", "application/json"),
        ("12345678901234567890123", b"12345678901234567890123", "application/json"),
        ("null", None, None),
    ],
)
def test_the_body_is_kept_as_the_bytes_the_client_wrote(client, written, body, content_type):
    text = f'{{ "body" :\t{written} , "url": "{URL}"}}'
    answer = client.post("/api/jobs", data=text.encode(), content_type="application/json")
    row = stored(answer.json["data"])
    assert (row["body"], row["content_type"]) == (body, content_type)
    assert "body" not in json.loads(row["args"]) or written == "null"
    assert answer.json["data"]["args"] == json.loads(text)


def test_a_job_without_a_body_has_none(client):
    row = stored(client.created())
    assert (row["body"], row["content_type"]) == (None, None)


def test_timeout_and_max_attempts_are_stored_or_have_their_defaults(client):
    row = stored(client.created(timeout=1.5, max_attempts=3))
    assert (row["timeout_ms"], row["max_attempts"]) == (1500, 3)
    row = stored(client.created(timeout=None, max_attempts=None))
    assert (row["timeout_ms"], row["max_attempts"]) == (30_000, 20)


def test_a_new_job_was_never_attempted_and_is_a_request(client):
    row = stored(client.created())
    assert (row["attempt"], row["kind"]) == (0, "request")


WRONG = [
    ({"url": None}, "url", "must be an https URL, got null"),
    ({"url": 5}, "url", "must be an https URL, got a number"),
    ({"url": "ftp://example.com"}, "url", "must be an https URL, got the scheme 'ftp'"),
    ({"url": "https://user:secret@example.com"}, "url", "must have no user name or password"),
    ({"method": "trace"}, "method", 'got "trace"'),
    ({"method": ""}, "method", 'got ""'),
    ({"method": None}, "method", "got null"),
    ({"method": ["get"]}, "method", 'got ["get"]'),
    ({"method": "ﬁx"}, "method", 'got "ﬁx"'),
    ({"headers": [1]}, "headers", "must be an object of names and strings, got a list"),
    ({"headers": {"Host": "x"}}, "headers.Host", "got 'Host'"),
    ({"headers": {"X": "a\r\nb"}}, "headers.X", "must have no line breaks"),
    ({"headers": {"X": 5}}, "headers.X", "must be a string, got something else"),
    ({"headers": {"A": "1", "a": "2"}}, "headers.a", "must be given once"),
    ({"headers": {f"x{n}": "1" for n in range(51)}}, "headers", "must be at most 50 headers"),
    ({"query": "a=b"}, "query", "must be an object of names and values, got a string"),
    ({"query": {"a": ["é" * 99] * 20}}, "query", "must make a URL of at most 8192 characters, got 11964"),
    ({"schedule_in": -1}, "schedule_in", "got -1"),
    ({"schedule_in": "5"}, "schedule_in", 'got "5"'),
    ({"schedule_in": True}, "schedule_in", "got true"),
    ({"schedule_in": [5]}, "schedule_in", "got [5]"),
    ({"schedule_in": [5, "fortnights"]}, "schedule_in", "the unit second(s), minute(s)"),
    ({"schedule_in": [True, "days"]}, "schedule_in", 'got [true, "days"]'),
    ({"schedule_in": {"n": 5}}, "schedule_in", "must be a number of seconds"),
    ({"schedule_in": 1e12}, "schedule_in", "must be at most 366 days ahead, got 1000000000000.0"),
    ({"schedule_in": 10**400}, "schedule_in", "must be at most 366 days ahead, got 1000"),
    ({"schedule_in": [366.001, "days"]}, "schedule_in", "must be at most 366 days ahead"),
    ({"scheduled_at": "9999-12-31T23:59:59-23:59"}, "scheduled_at", "must be at most 366 days ahead"),
    ({"scheduled_at": 10**30}, "scheduled_at", "must be at most 366 days ahead"),
    ({"scheduled_at": "2026-W01-1"}, "scheduled_at", 'got "2026-W01-1"'),
    ({"scheduled_at": "tomorrow"}, "scheduled_at", 'got "tomorrow"'),
    ({"scheduled_at": [2026]}, "scheduled_at", "got [2026]"),
    ({"scheduled_at": False}, "scheduled_at", "got false"),
    ({"schedule_in": 5, "scheduled_at": 5}, "scheduled_at", "must be absent when schedule_in is given"),
    ({"timeout": 0.5}, "timeout", "must be from 1 to 7200 seconds, got 0.5"),
    ({"timeout": 7201}, "timeout", "got 7201"),
    ({"timeout": "30"}, "timeout", 'got "30"'),
    ({"timeout": 2**70}, "timeout", "got 1180591620717411303424"),
    ({"max_attempts": 0}, "max_attempts", "must be a whole number from 1 to 100, got 0"),
    ({"max_attempts": 101}, "max_attempts", "got 101"),
    ({"max_attempts": 2.5}, "max_attempts", "got 2.5"),
    ({"max_attempts": True}, "max_attempts", "got true"),
    ({"max_attempts": -(2**64)}, "max_attempts", "got -18446744073709551616"),
    ({"name": 5}, "name", "must be a string of at most 255 characters, got 5"),
    ({"name": "x" * 256}, "name", "must be a string of at most 255 characters, got"),
    ({"idempotency_key": ""}, "idempotency_key", "1 to 255 printable characters"),
    ({"idempotency_key": "a\nb"}, "idempotency_key", "1 to 255 printable characters"),
    ({"idempotency_key": "k" * 256}, "idempotency_key", "1 to 255 printable characters"),
    ({"timezone": "Europe/Berlin"}, "timezone", "must be absent without cron, got one"),
    ({"shedule_in": 5}, "shedule_in", "unknown field, did you mean `schedule_in`?"),
    ({"URL": URL}, "URL", "unknown field, did you mean `url`?"),
    ({"lable": []}, "lable", "unknown field, did you mean `labels`?"),
    ({"": 1}, "", "unknown field"),
]


@one_database
@pytest.mark.parametrize(("fields", "path", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_a_wrong_field_is_refused_with_the_expected_and_the_actual(client, fields, path, message):
    """A wrong field is refused with what it must be and what it was."""
    errors = errors_of(client.create(**fields))
    assert set(errors) == {path}
    assert message in errors[path][0]
    assert len(errors[path][0]) < 600
    assert fetch("SELECT 1 FROM job") == []


def test_all_wrong_fields_are_reported_at_once(client):
    answer = client.post("/api/jobs", json={"method": "x", "timeout": 0, "headers": {"Host": "a", "X": "\n"}, "ulr": 1})
    assert set(errors_of(answer)) == {"url", "method", "timeout", "headers.Host", "headers.X", "ulr"}


@one_database
def test_errors_never_quote_header_values_or_passwords(client):
    fields = {"headers": {"Authorization": "canary\n"}, "query": {"key": "canary" * 2000}}
    assert "canary" not in client.create(**fields).text
    assert "canary" not in client.create(url="https://me:canary@example.com/?t=canary").text
    assert "canary" not in client.create(url=["https://example.com/canary"]).text


@one_database
def test_http_targets_are_taken_only_where_the_operator_allows_them(client, settings, account):
    from dataclasses import replace

    from api import create_app
    from tests.support.api_client import ApiClient

    strict = ApiClient(create_app(replace(settings, allow_http=False)))
    strict.headers = client.headers
    assert client.create(url="http://example.com/").status_code == 201
    assert "must be an https URL" in errors_of(strict.create(url="http://example.com/"))["url"][0]


def test_a_row_is_answered_the_same_when_it_is_read_again(client):
    job = client.created(body=[1, 2], idempotency_key="k", name="n", schedule_in=60)
    assert client.get(f"/api/jobs/{job['id']}").json["data"] == job
    assert JobRow._fields[0] == "id"
