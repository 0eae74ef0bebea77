"""The one shape of errors: whatever goes wrong, and never HTML."""

import re
import sqlite3

import peewee
import psycopg
import pytest
from playhouse.pool import MaxConnectionsExceeded

from models.database.connection import database
from models.database.sql import fetch
from models.jobs import job_store
from tests.support.api_client import errors_of, one_database
from tests.support.databases import go_away


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/nope", 404),
        ("GET", "/api/schedule", 404),
        ("GET", "/api/jobs/", 404),
        ("GET", "/api//ping", 404),
        ("GET", "/api/%2e%2e/ping", 404),
        ("GET", "/api/%ff%00", 404),
        ("GET", "/api/ping%zz", 404),
        ("POST", "/api/ping", 405),
        ("PUT", "/api/jobs", 405),
        ("PUT", "/api/jobs/1", 405),
        ("DELETE", "/api/logs", 405),
        ("TRACE", "/api/ping", 405),
        ("NONSENSE", "/api/ping", 405),
        ("POST", "/healthz", 405),
    ],
)
def test_what_is_not_there_has_the_one_shape(bare, method, path, status):
    answer = bare.ask(method, path)
    assert errors_of(answer, status) == {}
    assert answer.json["error"]["code"] == {404: "not_found", 405: "method_not_allowed"}[status]
    assert (status == 405) == ("Allow" in answer.headers)


@one_database
def test_a_request_with_very_many_mistakes_is_told_the_first_hundred_of_them(client):
    names = [f"unknown-{number}" for number in range(101)]

    assert len(errors_of(client.create(**dict.fromkeys(names[:100], 1)))) == 100
    assert len(errors_of(client.create(**dict.fromkeys(names, 1)))) == 100
    assert list(errors_of(client.create(**{"x" * 201: 1}))) == ["x" * 200]


@pytest.mark.parametrize("path", ["/api/ping", "/nope", "/healthz", "/api/jobs", "/api/openapi.json"])
def test_every_answer_carries_the_safety_headers_and_an_id(bare, path):
    headers = bare.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert len(headers["X-Request-Id"]) == 16
    assert headers["Content-Type"] == "application/json"


def test_no_route_of_an_account_may_be_cached(client):
    paths = [rule.rule for rule in client.app.url_map.iter_rules() if "GET" in rule.methods]
    of_accounts = [path for path in paths if path.startswith("/api/") and path != "/api/docs"]
    assert len(of_accounts) >= 30
    for path in of_accounts:
        headers = client.get(re.sub("<[^>]+>", "1", path)).headers
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff"), path


def test_two_requests_have_two_ids(bare):
    assert bare.get("/api/ping").headers["X-Request-Id"] != bare.get("/api/ping").headers["X-Request-Id"]


def test_a_database_that_is_away_is_503_with_retry_after(client, caplog):
    """A database that is away is 503 with a time to come back."""
    go_away()
    for answer in (client.get("/api/jobs"), client.create(), client.ask("DELETE", "/api/jobs/1")):
        assert errors_of(answer, 503) == {}
        assert answer.json["error"]["code"] == "unavailable"
        assert answer.headers["Retry-After"] == "5"
        assert "127.0.0.1" not in answer.text
        assert answer.json["error"]["request_id"] in caplog.text


@one_database
@pytest.mark.parametrize(
    "error",
    [
        peewee.OperationalError("database or disk is full"),
        peewee.OperationalError("database is locked"),
        peewee.InterfaceError("connection already closed"),
        MaxConnectionsExceeded("Max connections exceeded, timed out attempting to connect."),
    ],
)
def test_a_database_that_fails_is_503(client, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(job_store, "fetch", fail)
    answer = client.create()
    assert errors_of(answer, 503) == {}
    assert str(error) not in answer.text


@one_database
def test_a_connection_on_which_a_statement_failed_is_not_kept_for_the_next_request(client, monkeypatch):
    client.created()
    assert not database.is_closed()

    def fail(*_):
        raise peewee.OperationalError("disk I/O error")

    monkeypatch.setattr(job_store, "fetch", fail)
    assert errors_of(client.create(), 503) == {}
    assert database.is_closed()


@one_database
def test_o14_a_full_disk_is_503_and_nothing_is_stored(client):
    client.created()
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    real_connect = database.obj._connect

    def small_connect():
        connection: sqlite3.Connection = real_connect()
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    database.obj._connect = small_connect
    database.close()
    answers = [client.create(body="x" * 100_000) for _ in range(3)]
    assert [errors_of(answer, 503) for answer in answers] == [{}] * 3
    assert fetch("SELECT count(*) FROM job") == [(1,)]


def test_a_mistake_of_ours_is_500_and_tells_nothing(client, monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError("canary")

    monkeypatch.setattr(job_store, "find", fail)

    answer = client.get("/api/jobs/1")

    assert errors_of(answer, 500) == {}
    assert "canary" not in answer.text
    assert "canary" in caplog.text
    assert answer.json["error"]["request_id"] in caplog.text


def test_head_and_options_have_no_body(bare):
    assert bare.ask("HEAD", "/api/ping").data == b""
    assert bare.ask("OPTIONS", "/api/ping").data == b""


@one_database
def test_a_thousand_unknown_fields_make_an_answer_of_sensible_size(client):
    answer = client.create(**{f"field{n}" + "x" * 300: n for n in range(1000)})
    assert len(errors_of(answer)) <= 100
    assert len(answer.data) < 60_000


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_request_after_the_server_closed_the_connection_is_answered(client, db, postgres_url, monkeypatch):
    monkeypatch.setattr("models.database.pool.TRUSTED_S", 0)
    assert client.get("/api/jobs").status_code == 200
    ((kept,),) = fetch("SELECT pg_backend_pid()")
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (kept,))
    assert client.get("/api/jobs").status_code == 200
