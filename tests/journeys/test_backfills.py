"""A past range of a schedule is made up for while processes are killed: each instant once, and none is left out."""

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.journeys.journey import FULL
from tests.support.journeys.ledger import instant
from tests.support.waiting import wait_until

INSTANTS = 100 if FULL else 15
KILLED_AFTER = INSTANTS // 3
LIMIT_SECONDS = 180
SHORT_LEASES = {"BOOPER_LEASE_MARGIN_SECONDS": "1"}
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAYS = [(MIDNIGHT - timedelta(days=number)).isoformat() for number in reversed(range(1, INSTANTS + 1))]


def order_backfill(journey, path="/ok"):
    """The id of a daily schedule, and the address of the backfill of its latest days."""
    fields = {"url": journey.receiver.url(path), "method": "post", "timeout": 1, "cron": "0 0 * * *"}
    status, answer = journey.client.ask("POST", "/api/schedules", fields)
    assert status == 201, answer
    schedule_id = answer["data"]["id"]
    status, answer = journey.client.ask(
        "POST", f"/api/schedules/{schedule_id}/backfill", {"from": DAYS[0], "to": DAYS[-1]}
    )
    assert (status, answer["data"]["instants"]) == (202, INSTANTS)
    return schedule_id, f"/api/backfills/{answer['data']['id']}"


def await_made(client, path, count):
    wait_until(lambda: client.get(path)["data"]["made"] >= count, LIMIT_SECONDS, f"{count} jobs", pause_seconds=0.01)


def end_of(client, path):
    """The backfill when it is done: how many instants got a job, were passed over, and are left."""
    wait_until(lambda: client.get(path)["data"]["state"] == "done", LIMIT_SECONDS, "the end of the backfill")
    row = client.get(path)["data"]
    return row["made"], row["passed_over"], row["left"]


def runs_of(client, schedule_id):
    rows = client.get(f"/api/schedules/{schedule_id}/runs?limit=100&order_by=fire_at,asc")["data"]
    return [(instant(row["fire_at"]), row["status"]) for row in rows]


def all_made_up_for():
    return [(instant(day), "backfilled") for day in DAYS]


def jobs_that_arrived(arrivals):
    """Each job once, in the order in which it arrived first."""
    return list(dict.fromkeys(arrival.job_id for arrival in arrivals))


def test_a_ticker_killed_in_the_middle_of_a_backfill_doubles_and_leaves_out_no_instant(production):
    schedule_id, path = order_backfill(production)
    await_made(production.client, path, KILLED_AFTER)
    os.kill(production.product.ticker(), signal.SIGKILL)

    assert end_of(production.client, path) == (INSTANTS, 0, 0)
    assert runs_of(production.client, schedule_id) == all_made_up_for()
    arrivals, _ = production.receiver.stopped_ledger()
    assert len(arrivals) == len(jobs_that_arrived(arrivals)) == INSTANTS


@pytest.mark.parametrize("production", [SHORT_LEASES], indirect=True)
def test_a_worker_killed_in_the_middle_of_a_backfill_repeats_only_what_was_under_way(production):
    """The ticker dies with it. What was under way comes back when its lease is over, and the next instant waits."""
    schedule_id, path = order_backfill(production, "/slow/0.1")
    await_made(production.client, path, KILLED_AFTER)
    production.product.processes["worker"].kill()
    under_way = production.product.sql("SELECT count(*) FROM job WHERE state = 'executing'")[0][0]
    production.product.launch("worker")

    assert end_of(production.client, path) == (INSTANTS, 0, 0)
    assert runs_of(production.client, schedule_id) == all_made_up_for()
    arrivals, _ = production.receiver.stopped_ledger()
    jobs = jobs_that_arrived(arrivals)
    assert jobs == sorted(jobs)
    assert len(jobs) == INSTANTS
    assert len(arrivals) - INSTANTS <= under_way <= 1


@pytest.mark.parametrize("embedded", [SHORT_LEASES], indirect=True)
def test_in_embedded_mode_a_backfill_goes_on_after_the_process_was_killed(embedded):
    schedule_id, path = order_backfill(embedded)
    await_made(embedded.client, path, KILLED_AFTER)
    embedded.product.processes["serve"].kill()
    under_way = embedded.product.sql("SELECT count(*) FROM job WHERE state = 'executing'")[0][0]
    embedded.product.start()

    client = embedded.product.client()  # the first one's connection ended with the process
    assert end_of(client, path) == (INSTANTS, 0, 0)
    assert runs_of(client, schedule_id) == all_made_up_for()
    arrivals, _ = embedded.receiver.stopped_ledger()
    assert len(jobs_that_arrived(arrivals)) == INSTANTS
    assert len(arrivals) - INSTANTS <= under_way <= 1
