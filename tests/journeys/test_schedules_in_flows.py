"""Schedules whose jobs join a flow and a lane, through a pause in the middle: what becomes of each instant.

The clock is set three minutes ahead while the pause lasts, by a restart of the server.
"""

import pytest

from models.schedules.policies import OVERLAPS
from tests.support.clocks import clock_ahead
from tests.support.flow_judge import Promise, Run, broken_promises
from tests.support.journeys.journey import SECOND
from tests.support.waiting import wait_until

FLOW = {"key": "shop", "rate": 8, "per": "1s", "concurrency": 2}
ALLOWED = Promise(0, FLOW["rate"], SECOND, FLOW["concurrency"])
TOLERANCE_US = 50_000  # how much closer together two requests may arrive than they were let go
PAUSED_FOR_MS = 180_000
LIMIT_SECONDS = 60
PAUSES = ["/api/flows/shop", "/api/lanes/books", "/api"]


def make_schedules(journey):
    """One for each policy of overlap, every three seconds, with one flow; two of them in one lane. Their ids."""
    fields = {"method": "post", "timeout": 5, "repeat_every": 3, "misfire": "skip", "flow": FLOW}
    ids = {}
    for overlap in OVERLAPS:
        lane = {} if overlap == "allow" else {"lane": "books"}
        url = journey.receiver.url("/slow/0.1")
        order = {"url": url, "headers": {"X-Nonce": overlap}, "overlap": overlap, **fields, **lane}
        status, answer = journey.client.ask("POST", "/api/schedules", order)
        assert status == 201, answer
        ids[overlap] = answer["data"]["id"]
    return ids


def count_runs(client, schedule_id, status):
    return len(client.get(f"/api/schedules/{schedule_id}/runs?status={status}&limit=100")["data"])


def await_runs(client, schedule_id, status, count):
    wait_until(lambda: count_runs(client, schedule_id, status) >= count, LIMIT_SECONDS, f"{count} runs: {status}")


def await_parked(product):
    """Wait until a job of each schedule in the lane is held back."""
    parked = "SELECT count(DISTINCT schedule_id) FROM job WHERE parked_by IS NOT NULL AND lane_id IS NOT NULL"
    wait_until(lambda: product.sql(parked)[0][0] == 2, LIMIT_SECONDS, "jobs that the pause holds back")


def restart_with_clock_ahead(product):
    """Returns a client of the new process."""
    assert product.stop() == {"serve": 0}
    product.env |= clock_ahead(PAUSED_FOR_MS)
    product.start()
    return product.client()


@pytest.mark.alone
@pytest.mark.parametrize("paused", PAUSES)
def test_instants_that_a_pause_held_back_say_so_and_those_after_it_fire_within_the_limits(embedded, paused):
    ids = make_schedules(embedded)
    held_back = [ids["skip"], ids["queue_one"]]  # in the lane
    for schedule_id in ids.values():
        await_runs(embedded.client, schedule_id, "fired", 2)

    assert embedded.client.ask("POST", f"{paused}/pause", {"reason": "they deploy"})[0] == 200
    await_parked(embedded.product)
    client = restart_with_clock_ahead(embedded.product)
    for schedule_id in held_back:
        await_runs(client, schedule_id, "paused", 1)
    fired = {schedule_id: count_runs(client, schedule_id, "fired") for schedule_id in ids.values()}
    assert client.ask("POST", f"{paused}/resume")[0] == 200
    for schedule_id, before in fired.items():
        await_runs(client, schedule_id, "fired", before + 2)

    for schedule_id in ids.values():
        assert client.ask("POST", f"/api/schedules/{schedule_id}/disable")[0] == 200
    wait_until(client.settled, LIMIT_SECONDS, "every job to be final")
    arrivals, ends = embedded.receiver.stopped_ledger()
    assert broken_limits(arrivals, ends) == []


def broken_limits(arrivals, ends):
    """Of the flow, and of the lane: in it no two requests are under way at once."""
    runs = [(each.nonce, Run(each.job_id, each.at, end_of(each, ends))) for each in arrivals]
    in_lane = [run for overlap, run in runs if overlap != "allow"]
    broken = broken_promises("lane", in_lane, [Promise(concurrency=1)])
    return broken + broken_promises("flow", [run for _, run in runs], [ALLOWED], TOLERANCE_US)


def end_of(arrival, ends):
    """When the receiver had answered it: a connection has one request at a time."""
    return min((end.at for end in ends if end.connection == arrival.connection and end.at >= arrival.at), default=None)
