"""GET, cancel and DELETE of one job, and its attempts."""

import pytest

from models.database.sql import execute, fetch
from models.jobs import records, states
from models.rules import clock
from tests.support.api_client import errors_of
from tests.support.clocks import START

IDS_OF_NOTHING = [
    "0",
    "999999",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 40,
    "-1",
    "1.0",
    "１",
    "x",
    "%00",
    "%ff",
    "00000000-0000-0000-0000-000000000000",
    "0000000000000000000000000000000g",
    "01a208d5230a7259a98c497b183a6c23",
    "{01a208d5-230a-7259-a98c-497b183a6c23}",
    "' OR 1=1 --",
    "x" * 5000,
]


def test_a_job_is_found_by_uuid_in_any_case_and_by_integer(client):
    job = client.created()
    for key in (job["id"], job["id"].upper(), job["job_id"]):
        assert client.get(f"/api/jobs/{key}").json["data"] == job


def operations_of_a_job(client):
    """The methods and paths that name a job."""
    paths = client.get("/api/openapi.json").json["paths"]
    of_a_job = [
        (method.upper(), path) for path in paths if path.startswith("/api/jobs/{key}") for method in paths[path]
    ]
    return [("GET", "/api/logs?job_id={key}"), *of_a_job]


def test_a8_every_request_about_a_job_takes_its_uuid_in_place_of_its_integer(client):
    """Integers show how many jobs an installation makes, so nobody has to hand one on."""

    def ask(method, path, key):
        job = client.created(schedule_in=60)
        return client.ask(method, path.format(key=job[key]), json=None if method == "GET" else {}).status_code

    operations = operations_of_a_job(client)
    statuses = {operation: ask(*operation, "id") for operation in operations}

    assert statuses == {operation: ask(*operation, "job_id") for operation in operations}
    assert 404 not in statuses.values()
    assert len(operations) > 9


def test_an_id_of_nothing_is_404_everywhere(client):
    requests = [("GET", "jobs/{}"), ("DELETE", "jobs/{}"), ("POST", "jobs/{}/cancel"), ("GET", "jobs/{}/attempts")]
    for key in IDS_OF_NOTHING:
        for method, path in [*requests, ("GET", "logs/{}")]:
            assert errors_of(client.ask(method, f"/api/{path.format(key)}"), 404) == {}, key


@pytest.mark.parametrize("key", ["id", "job_id"])
@pytest.mark.parametrize(("method", "rest"), [("POST", "/cancel"), ("DELETE", "")])
def test_cancelling_stops_a_job_that_is_not_final(client, moved_clock, key, method, rest):
    for state in (*states.WAITING, "executing"):
        job = client.created()
        execute("UPDATE job SET state = %s WHERE id = %s", (state, job["job_id"]))
        moved_clock.now = START + 5_000_000
        answer = client.ask(method, f"/api/jobs/{job[key]}{rest}")
        inner = answer.json["data"]["job"]
        assert (answer.status_code, inner["state"]) == (200, "cancelled")
        assert inner["cancelled_at"] == "2026-01-01T09:00:05.000000Z"
        events = fetch("SELECT event FROM log_entry WHERE job_id = %s", (job["job_id"],))
        assert events == [("worker.job.cancelled",)]


@pytest.mark.parametrize("state", states.FINAL)
def test_cancelling_a_final_job_changes_nothing(client, state):
    job = client.created()
    execute("UPDATE job SET state = %s WHERE id = %s", (state, job["job_id"]))
    before = fetch("SELECT * FROM job")
    answer = client.post(f"/api/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json["data"]["job"]["state"]) == (200, state)
    assert fetch("SELECT * FROM job") == before
    assert fetch("SELECT * FROM log_entry") == []


def test_a_job_cancelled_twice_is_noted_once(client):
    job = client.created()
    first = client.post(f"/api/jobs/{job['id']}/cancel").json
    assert client.ask("DELETE", f"/api/jobs/{job['id']}").json == first
    assert len(fetch("SELECT * FROM log_entry")) == 1


def test_cancel_needs_no_body_and_ignores_one(client):
    job = client.created()
    path = f"/api/jobs/{job['id']}/cancel"
    assert client.post(path, data=b"{nonsense", content_type="application/json").status_code == 200


def test_the_attempts_of_a_job_are_listed_first_to_last(client, moved_clock):
    job = client.created()
    now = clock.now()
    second = records.AttemptRow(job["job_id"], 2, now, now + 7_000, 0, "answered", 200, total_ms=7.0)
    first = records.AttemptRow(
        job["job_id"], 1, now - 1_000_000, now, 1_500, "refused", None, "connection", 0.5, None, None, None, 3.25, now
    )
    records.add_attempts([second, first])

    attempts = client.get(f"/api/jobs/{job['job_id']}/attempts").json["data"]

    assert [attempt["number"] for attempt in attempts] == [1, 2]
    assert attempts[0] == {
        "number": 1,
        "started_at": "2026-01-01T08:59:59.000000Z",
        "finished_at": "2026-01-01T09:00:00.000000Z",
        "lateness_ms": 1.5,
        "outcome": "refused",
        "status_code": None,
        "reason": "connection",
        "dns_ms": 0.5,
        "connect_ms": None,
        "tls_ms": None,
        "first_byte_ms": None,
        "total_ms": 3.25,
        "next_at": "2026-01-01T09:00:00.000000Z",
    }


def test_a_job_never_attempted_has_no_attempts(client):
    assert client.get(f"/api/jobs/{client.created()['id']}/attempts").json == {"data": []}
