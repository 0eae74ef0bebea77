"""What is done to many jobs by a filter, while others go on, and when the ticker that does it is killed."""

import os
import signal

import pytest

from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SCALE, SECOND, WEEK, spread
from tests.support.waiting import wait_until

LIMIT_SECONDS = 180
CANCELLED = SCALE.overdue  # many chunks


def order_operation(journey, **fields):
    """The operation's address."""
    status, answer = journey.client.ask("POST", "/api/jobs/cancel", fields)
    assert status == 202, answer
    return f"/api/operations/{answer['data']['id']}"


def await_end(client, path):
    wait_until(lambda: client.get(path)["data"]["state"] == "done", LIMIT_SECONDS, "the end of the operation")
    return client.get(path)["data"]


@pytest.mark.parametrize("killed", [False, True])
def test_matching_jobs_are_cancelled_once_and_all_others_are_sent(production, killed):
    """Also when the ticker that works it off is killed in the middle: nothing twice, nothing left."""
    production.copies("many", CANCELLED, "scheduled", now_us() + WEEK)
    first_due_at = now_us() + 5 * SECOND
    production.order(list(spread(100, first_due_at, 5)))

    path = order_operation(production, filter={"scheduled_after": (now_us() + WEEK // 2) // SECOND})
    if killed:
        wait_until(lambda: production.client.get(path)["data"]["done"], LIMIT_SECONDS, "the first chunk")
        os.kill(production.product.ticker(), signal.SIGKILL)
    operation = await_end(production.client, path)

    assert (operation["done"], operation["failed"], operation["left"]) == (CANCELLED, 0, 0)
    # By the state, which is written after the arrival.
    wait_until(production.client.settled, LIMIT_SECONDS, "the other jobs", pause_seconds=0.2)
    states = dict(production.product.sql("SELECT state, count(*) FROM job GROUP BY state"))
    assert states == {"cancelled": CANCELLED + 1, "completed": 100}  # one is the model of the copies
    entries = production.product.sql(
        "SELECT count(*), count(DISTINCT job_id) FROM log_entry WHERE event = 'worker.job.cancelled'"
    )
    assert entries == [(CANCELLED + 1, CANCELLED + 1)]
    arrivals, _ = production.receiver.stopped_ledger()
    assert len({arrival.nonce for arrival in arrivals}) == len(arrivals) == 100


def test_in_embedded_mode_an_operation_goes_on_after_the_process_was_killed(embedded):
    embedded.copies("many", CANCELLED, "scheduled", now_us() + WEEK)
    path = order_operation(embedded, all=True)
    wait_until(lambda: embedded.client.get(path)["data"]["done"], LIMIT_SECONDS, "the first chunk")

    embedded.product.processes["serve"].kill()
    embedded.product.start()

    # Another client: the first one's connection ended with the process.
    operation = await_end(embedded.product.client(), path)
    assert (operation["done"], operation["failed"]) == (CANCELLED, 0)
    assert embedded.product.sql("SELECT DISTINCT state FROM job") == [("cancelled",)]
