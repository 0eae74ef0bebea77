"""/healthz and /readyz."""

import threading
from dataclasses import replace

from api import create_app
from models.database.sql import execute
from models.rules import clock
from runtime import signals
from tests.support.api_client import ApiClient, errors_of
from tests.support.databases import go_away


def note_ticker():
    execute("UPDATE ticker SET seen_at = %s", (clock.now(),))


def test_healthz_asks_nothing_but_the_process(bare):
    go_away()
    assert bare.get("/healthz").json == {"status": "ok"}


def test_ready_when_all_parts_are_there(client):
    note_ticker()
    answer = client.get("/readyz", headers={"Authorization": ""})
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_a_process_that_was_told_to_stop_is_not_ready(client, monkeypatch):
    """Its balancer sends it no more, while it still takes what comes."""
    note_ticker()
    monkeypatch.setattr(signals, "stopping", stopping := threading.Event())
    assert client.get("/readyz").status_code == 200
    stopping.set()
    assert set(errors_of(client.get("/readyz"), 503)) == {"stopping"}


def test_a_ticker_silent_for_over_ten_seconds_is_missing(client, moved_clock):
    assert errors_of(client.get("/readyz"), 503)["ticker"][0].endswith("got none ever")
    note_ticker()
    moved_clock.advance(seconds=10)
    assert client.get("/readyz").status_code == 200
    moved_clock.advance(seconds=1)
    answer = client.get("/readyz")
    assert errors_of(answer, 503) == {"ticker": ["must show a sign of life every 10 s, got none for 11 s"]}
    assert int(answer.headers["Retry-After"]) > 0


def test_a_pending_migration_is_missing(client):
    note_ticker()
    execute("UPDATE schema_migration SET name = 'another' WHERE name = '0002_idempotent_requests'")
    try:
        errors = errors_of(client.get("/readyz"), 503)
    finally:
        execute("UPDATE schema_migration SET name = '0002_idempotent_requests' WHERE name = 'another'")
    assert "0002_idempotent_requests pending" in errors["migrations"][0]


def test_a_database_that_is_away_is_missing(bare):
    go_away()
    errors = errors_of(bare.get("/readyz"), 503)
    assert set(errors) == {"database"}


def test_the_broker_is_asked_where_there_is_one(app, settings):
    note_ticker()
    production = replace(settings, broker_url="amqp://127.0.0.1")
    assert ApiClient(create_app(production, broker_reachable=lambda: True)).get("/readyz").status_code == 200
    errors = errors_of(ApiClient(create_app(production, broker_reachable=lambda: False)).get("/readyz"), 503)
    assert set(errors) == {"broker"}
