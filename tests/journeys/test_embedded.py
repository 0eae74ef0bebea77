"""Journeys of the embedded mode: the quick start, and a server that dies with jobs waiting."""

import contextlib
import http.client

from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, spread
from tests.support.journeys.ledger import instant
from tests.support.journeys.product import DEMO_KEY, status_of
from tests.support.waiting import wait_until

WAITING = 1_000


def test_a_request_ordered_for_two_seconds_ahead_is_shown_completed(embedded):
    url = f"http://127.0.0.1:{embedded.product.port}/api/echo"
    status, answer = embedded.client.ask(
        "POST", "/api/jobs", {"method": "post", "url": url, "body": {"hello": 1}, "schedule_in": [2, "seconds"]}
    )
    assert (status, answer["data"]["job"]["state"]) == (201, "scheduled")
    (outer,) = wait_until(lambda: embedded.client.get("/api/jobs?state=completed")["data"], 60, "the completed job")
    assert outer["id"] == answer["data"]["id"]
    assert instant(outer["job"]["attempted_at"]) >= instant(outer["job"]["scheduled_at"])


def test_the_key_of_the_quick_start_opens_an_empty_list(embedded):
    assert embedded.product.key == DEMO_KEY
    assert embedded.client.get("/api/jobs") == {"data": []}
    assert status_of(embedded.product.port, "/healthz") == 200


def test_a_killed_server_performs_waiting_jobs_once_after_its_restart(embedded):
    """A server killed with a thousand jobs waiting performs each once after its restart."""
    first_due_at = embedded.lead_us(WAITING) + now_us()
    embedded.order(list(spread(WAITING, first_due_at, 6)))
    embedded.product.processes["serve"].kill()
    assert embedded.receiver.arrived() == 0

    wait_until(lambda: now_us() > first_due_at + 3 * SECOND, 60, "half of the jobs to be overdue")
    embedded.product.start()
    ready_at = now_us()
    history = embedded.settle(60)
    assert checker.check(history) == []
    assert len(history.arrivals) == WAITING
    assert any(due_at(history, arrival) < ready_at for arrival in history.arrivals)


def test_a_restored_server_sends_nothing_while_it_is_held_and_all_that_is_left_afterwards(embedded):
    product, backup = embedded.product, str(embedded.product.folder / "copy.db")
    kept, unwanted = embedded.order(list(spread(2, now_us() + 600 * SECOND, 1)))
    product.booper("backup", backup)
    product.processes["serve"].kill()
    product.booper("restore", backup)

    product.env["BOOPER_HOLD"] = "on"
    product.launch("serve")
    wait_until(lambda: answers(product.port), 60, "the held server")
    held = product.client()
    url = f"http://127.0.0.1:{embedded.receiver.port}/ok"
    overdue = held.ask("POST", "/api/jobs", {"method": "post", "url": url, "name": "overdue"})[1]["data"]
    held.ask("DELETE", f"/api/jobs/{unwanted.job_id}")
    assert status_of(product.port, "/readyz") == 503
    assert product.stop() == {"serve": 0}
    assert embedded.receiver.arrived() == 0

    product.env["BOOPER_HOLD"] = "off"
    product.start()
    client = product.client()  # the old one has a connection to the server that was stopped
    wait_until(lambda: state_of(client, overdue["id"]) == "completed", 60, "the delivery of what was overdue")
    assert (state_of(client, kept.job_id), state_of(client, unwanted.job_id)) == ("scheduled", "cancelled")


def answers(port):
    with contextlib.suppress(OSError, http.client.HTTPException):
        return status_of(port, "/healthz") == 200
    return False


def state_of(client, job_id):
    return client.get(f"/api/jobs/{job_id}")["data"]["job"]["state"]


def due_at(history, arrival):
    return next(create.due_at for create in history.created if create.nonce == arrival.nonce)
