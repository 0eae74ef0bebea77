"""Flows and lanes with real processes: two workers, one of them killed, and RabbitMQ restarted in the middle.

The receiver's own ledger decides: no window over its rate, no more under way than allowed, no lane out of order, and
nothing lost.
"""

from collections import defaultdict
from typing import NamedTuple

import pytest

from models.rules.times import parse_instant
from tests.support.flow_judge import Promise, Turn, broken_promises, fullest_window, most_under_way, out_of_order
from tests.support.journeys.flow_runs import runs_by_job
from tests.support.journeys.journey import FEWER_CONNECTIONS, FULL, SECOND, under_way
from tests.support.journeys.processes import Running
from tests.support.journeys.product import BOOPER, Production
from tests.support.waiting import wait_until

JOBS, IN_LANES = (20_000, 1_000) if FULL else (2_400, 120)
FLOWS, LANES = 200, 20
RATE, SECONDS_OF_JOBS = 10, 6
TOLERANCE_US = 50_000  # how much closer together two requests may arrive than they were let go
LIMIT_SECONDS = 240 if FULL else 60
SETTINGS = {"BOOPER_LEASE_MARGIN_SECONDS": "1", "BOOPER_BREAKER_FAILURES": "0"}
PATHS = ("/ok", "/slow/0.05", "/ok", "/fail-then-ok/1")


class Limits(NamedTuple):
    """What the orders of a key say."""

    rate: int | None
    concurrency: int | None


class Planned(NamedTuple):
    """A job of the journey; the number is its nonce, and its place among all that are created."""

    number: int
    flow: int
    lane: int | None


def limits_of(key):
    return [Limits(None, 1 + key % 4), Limits(5 + key % 6, None), Limits(8, 2)][key % 3]


def planned():
    """Every so many-th job is in a lane too."""
    every = JOBS // IN_LANES
    return [Planned(n, n % FLOWS, n // every % LANES if n % every == 0 else None) for n in range(JOBS)]


def order(receiver, job):
    rate, concurrency = limits_of(job.flow)
    flow = {"key": f"flow-{job.flow}", "concurrency": concurrency} | ({"rate": rate, "per": "1s"} if rate else {})
    path = PATHS[job.number // FLOWS % len(PATHS)]
    fields = {"url": receiver.url(path), "method": "post", "headers": {"X-Nonce": str(job.number)}, "flow": flow}
    fields |= {"timeout": 1, "backoff": {"fixed": 1}, "body": {"number": job.number}}
    return fields | ({"lane": f"lane-{job.lane}"} if job.lane is not None else {})


@pytest.fixture
def journey(tmp_path, receiver, postgres_url, node):
    """Production mode with a second worker, on a RabbitMQ node that may be restarted."""
    yield from under_way(Production(tmp_path, postgres_url, node.broker, **FEWER_CONNECTIONS, **SETTINGS), receiver)


@pytest.mark.alone
def test_limits_and_order_hold_over_a_killed_worker_and_a_restarted_broker(journey, receiver, node):
    product, jobs = journey.product, planned()
    product.processes["second"] = Running("second", [BOOPER, "worker"], product.env, product.folder)

    for some in (jobs[first : first + 1_000] for first in range(0, JOBS, 1_000)):
        status, answer = journey.client.ask("POST", "/api/jobs/batch", {"jobs": [order(receiver, job) for job in some]})
        assert (status, [item for item in answer["data"] if "error" in item]) == (201, [])
    journey.await_arrivals(JOBS // 4, LIMIT_SECONDS)
    product.processes["worker"].kill()
    product.launch("worker")
    journey.await_arrivals(JOBS // 3, LIMIT_SECONDS)
    with node.outage():
        pass
    wait_until(lambda: not unfinished(product), LIMIT_SECONDS, "every job to be final", pause_seconds=0.2)
    runs = runs_by_job(*receiver.stopped_ledger())

    assert product.sql("SELECT state, count(*) FROM job GROUP BY state") == [("completed", JOBS)]
    assert runs.keys() == {job.number for job in jobs}
    assert broken_flows(jobs, runs) + broken_lanes(jobs, runs) == []


@pytest.mark.alone
def test_a_job_starts_when_its_explanation_said_that_its_turn_is(embedded, receiver):
    flow = {"key": "shop", "rate": RATE, "per": "1s"}
    orders = [
        {"url": receiver.url("/ok"), "method": "post", "headers": {"X-Nonce": str(number)}, "flow": flow}
        for number in range(SECONDS_OF_JOBS * RATE)
    ]
    _, answer = embedded.client.ask("POST", "/api/jobs/batch", {"jobs": orders})
    embedded.await_arrivals(RATE, LIMIT_SECONDS)  # the first window is full, and the others have been parked

    turns = {number: turn_of(embedded.client, answer["data"][number]["id"]) for number in (3 * RATE, len(orders) - 1)}
    embedded.await_arrivals(len(orders), LIMIT_SECONDS)
    arrivals, _ = receiver.stopped_ledger()

    began_at = {int(each.nonce): each.at for each in arrivals}
    assert {number: abs(began_at[number] - at) <= SECOND for number, at in turns.items()} == dict.fromkeys(turns, True)


def turn_of(client, job_id):
    """The instant that the explanation of a job gives for its turn."""
    (reason,) = [
        each for each in client.get(f"/api/jobs/{job_id}/explain")["data"]["reasons"] if each["code"] == "flow_rate"
    ]
    return parse_instant(reason["at"])


def unfinished(product):
    """How many jobs are not final."""
    return product.sql("SELECT count(*) FROM job WHERE state NOT IN ('completed', 'discarded', 'cancelled')")[0][0]


def broken_flows(jobs, runs):
    by_flow = defaultdict(list)
    for job in jobs:
        by_flow[job.flow] += runs[job.number]
    broken = []
    for key, of_flow in by_flow.items():
        rate, concurrency = limits_of(key)
        promise = Promise(0, rate, SECOND if rate else None, concurrency)
        broken += broken_promises(str(key), of_flow, [promise], TOLERANCE_US)
    print_fullest(by_flow)
    return broken


def print_fullest(by_flow):
    """The figures of the flow that came closest to its limits, for whoever reads the log."""
    rated = {key: fullest_window([run.began_at for run in runs], SECOND) for key, runs in by_flow.items()}
    most = {key: most_under_way(runs) for key, runs in by_flow.items()}
    over = {key: full for key, full in rated.items() if (rate := limits_of(key).rate) and full > rate}
    full = sum(most[key] == limits_of(key).concurrency for key in most)
    print(f"{len(over)} flows over their rate without tolerance: {over}; {full} reached their concurrency")
    closest = sorted(closest_us(by_flow[key], limits_of(key).rate) for key in over)
    print(f"ms by which they were too close together: {[(SECOND - each) // 1000 for each in closest]}")


def closest_us(runs, rate):
    """The shortest time in which one request more than the rate allows began."""
    instants = sorted(run.began_at for run in runs)
    return min(later - earlier for earlier, later in zip(instants, instants[rate:], strict=False))


def broken_lanes(jobs, runs):
    turns = defaultdict(list)
    for job in jobs:
        if job.lane is not None:
            mine = runs[job.number]
            turns[job.lane].append(
                Turn(job.number, min(run.began_at for run in mine), max(run.ended_at or run.began_at for run in mine))
            )
    return [sentence for lane, of_lane in turns.items() for sentence in out_of_order(str(lane), of_lane)]
