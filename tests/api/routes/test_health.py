"""/healthz and /readyz."""

from dataclasses import replace

import pytest
from peewee import OperationalError

from api import create_app
from api.responses import refused_writes
from models.database import host_clock
from models.database.sql import execute
from models.jobs import job_store
from models.operations import heartbeats
from models.operations.heartbeats import WorkerRow
from models.rules import clock
from runtime import signals
from tests.support.api_client import ApiClient, errors_of
from tests.support.databases import go_away


@pytest.fixture(autouse=True)
def nothing_refused():
    refused_writes.forget()  # another module's tests fill the disk too
    yield
    refused_writes.forget()


def note_ticker():
    """All is well: the ticker works, and so does a process that sends, which its probes reach."""
    execute("UPDATE ticker SET seen_at = %s, delivered_until = %s", (clock.now(), clock.now()))
    note_worker()


def note_worker(slots_in_use=0):
    heartbeats.record_heartbeat(WorkerRow("a", "host", 1, "0", 8, slots_in_use, 0, clock.now()))


def test_healthz_asks_nothing_but_the_process(bare):
    go_away()
    assert bare.get("/healthz").json == {"status": "ok"}


def test_ready_when_all_parts_are_there(client):
    note_ticker()
    answer = client.get("/readyz", headers={"Authorization": ""})
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_a_held_installation_is_not_ready_and_says_why(db, settings):
    note_ticker()
    client = ApiClient(create_app(replace(settings, hold=True)))
    assert list(errors_of(client.get("/readyz"), 503)) == ["hold"]
    assert client.get("/healthz").status_code == 200


def test_a_process_of_the_api_tells_that_its_clock_differs(client, db, monkeypatch, caplog):
    monkeypatch.setattr(host_clock, "measure", lambda: 20 * clock.SECOND)
    note_ticker()

    assert [client.get("/readyz").status_code for _ in range(2)] == [200, 200]

    warnings = [record.message for record in caplog.records if "20.0 s ahead" in record.message]
    assert len(warnings) == (db == "postgresql")


def test_a_process_that_was_told_to_stop_is_not_ready(client, monkeypatch):
    """Its balancer sends it no more, while it still takes what comes."""
    note_ticker()
    monkeypatch.setattr(signals, "stopping", stopping := signals.Flag())
    assert client.get("/readyz").status_code == 200
    stopping.set()
    assert set(errors_of(client.get("/readyz"), 503)) == {"stopping"}


def test_a_ticker_silent_for_over_ten_seconds_is_missing(client, moved_clock):
    assert errors_of(client.get("/readyz"), 503)["ticker"][0].endswith("got none ever")
    note_ticker()
    moved_clock.advance(seconds=10)
    note_worker()
    assert client.get("/readyz").status_code == 200
    moved_clock.advance(seconds=1)
    answer = client.get("/readyz")
    assert errors_of(answer, 503) == {"ticker": ["must show a sign of life every 10 s, got none for 11 s"]}
    assert answer.headers["Retry-After"] == "5"


def test_o7_without_a_process_that_sends_booper_is_not_ready(client):
    """It said ready for ever while workers crashed one after another."""
    note_ticker()
    heartbeats.remove_worker("a")
    assert set(errors_of(client.get("/readyz"), 503)) == {"worker"}


@pytest.mark.parametrize(("slots_in_use", "limit_s"), [(0, 20), (1, 60)])
def test_o7_ready_means_that_messages_reach_a_worker(app, settings, moved_clock, slots_in_use, limit_s):
    """Queues declared with other arguments, a user without rights, a broker that blocks: nothing was delivered."""
    production = replace(settings, broker_url="amqp://127.0.0.1")
    client = ApiClient(create_app(production, broker_reachable=lambda: True))
    note_ticker()
    moved_clock.advance(seconds=limit_s)
    execute("UPDATE ticker SET seen_at = %s", (clock.now(),))
    note_worker(slots_in_use)
    assert client.get("/readyz").status_code == 200

    moved_clock.advance(seconds=1)

    errors = errors_of(client.get("/readyz"), 503)
    assert errors == {"broker": [f"a message must reach a worker every {limit_s} s, got none for {limit_s + 1} s"]}


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ('could not extend file "base/1/2": No space left on device', "no room on its disk"),
        ("database or disk is full", "no room on its disk"),
        ("cannot execute INSERT in a read-only transaction", "a database that is read-only"),
        ("attempt to write a readonly database", "a database that is read-only"),
    ],
)
def test_o14_a_database_that_refuses_what_is_written_is_not_ready_until_it_takes_it(
    client, monkeypatch, message, cause
):
    """Every create was answered with 503, and /readyz with 200."""
    note_ticker()
    with monkeypatch.context() as patched:
        patched.setattr(job_store, "create", raising(OperationalError(message)))
        assert client.post("/api/jobs", json={"url": "https://a.example/"}).status_code == 503
    errors = errors_of(client.get("/readyz"), 503)
    assert errors == {"database": [f"must take what is written, got {cause}"]}

    assert client.post("/api/jobs", json={"url": "https://a.example/"}).status_code == 201

    assert client.get("/readyz").status_code == 200


def test_a_refused_write_is_forgotten_after_a_while(client, monkeypatch):
    """Its balancer sends this process no more, so no write would ever show that there is room again."""
    note_ticker()
    refused_writes.note(OperationalError("database or disk is full"))
    assert client.get("/readyz").status_code == 503
    monkeypatch.setattr(refused_writes, "KEPT_S", 0)
    assert client.get("/readyz").status_code == 200


def test_a_database_that_can_not_be_reached_is_no_refused_write(client):
    note_ticker()
    refused_writes.note(OperationalError("connection refused"))
    assert client.get("/readyz").status_code == 200


def raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


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
