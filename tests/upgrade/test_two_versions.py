"""The last release and this tree side by side, on one database and one RabbitMQ, behind nginx, while jobs flow.

`make upgrade` installs the last release and runs this within minutes; with BOOPER_TEST_UPGRADE=full jobs flow for five
minutes in each order.
"""

import os
from datetime import datetime
from itertools import pairwise, product

import pytest

from tests.support.faults.asking import RETRIED, Load
from tests.support.faults.report import note
from tests.support.faults.two_versions import APIS, LAST, WORKERS, TwoVersions
from tests.support.journeys import checker
from tests.support.journeys.client import Client
from tests.support.journeys.journey import under_way
from tests.support.waiting import wait_until

FULL = os.environ.get("BOOPER_TEST_UPGRADE") == "full"
RATE = 50
MINUTES = 5 if FULL else 0.5
PATHS = ("/ok",) * 9 + (RETRIED,)
ORDERS = {"api-first": (*APIS, *WORKERS), "workers-first": (*WORKERS, *APIS)}
WAYS = {"upgrade": ("last", "this"), "way-back": ("this", "last")}
LIMIT_SECONDS = 60

pytestmark = pytest.mark.skipif(not LAST, reason="BOOPER_TEST_LAST_RELEASE is not set; `make upgrade` sets it")


@pytest.fixture(params=product(WAYS, ORDERS), ids="-".join)
def journey_and_steps(request, tmp_path, receiver, postgres_url, broker):
    """A journey in the version to begin with, the version to end with, and the order of the restarts."""
    way, order = request.param
    first, then = WAYS[way]
    for journey in under_way(TwoVersions(tmp_path, postgres_url, broker, first), receiver):
        yield journey, then, ORDERS[order]


def test_every_job_is_sent_once_and_every_client_answered_while_versions_change(journey_and_steps):
    """The schema of this tree serves both versions. The way back leaves it as it is."""
    journey, then, order = journey_and_steps
    served = journey.product
    ticks = Ticks(served)
    pause_seconds = 60 * MINUTES / (len(order) + 1)

    with Load(journey, RATE, paths=PATHS) as load:
        load.lasts(pause_seconds / 2)
        served.migrate("this")
        load.lasts(pause_seconds / 2)
        for name in order:
            served.replace(name, then)
            load.lasts(pause_seconds)
    history = journey.settle(LIMIT_SECONDS)
    runs = ticks.stop()

    retried = sum(create.path == RETRIED for create in history.created)
    note(f"from {served.first} to {then} version, {order[0]} first", history, retried=retried, instants=len(runs))
    assert len(served.versions_that_sent) == 2
    assert set(journey.client.statuses()) == {201}
    assert checker.check(history) == []
    assert len(history.arrivals) == len(history.created) + retried
    assert {run["status"] for run in runs[:-1]} == {"fired"}
    assert runs[-1]["status"] in ("fired", "disabled")  # it may have come due as the schedule was disabled
    assert gaps_s(runs) == {1}


class Ticks:
    """A schedule of another account that calls the API itself each second."""

    def __init__(self, served):
        self._client = Client(served.port, served.other_key)
        url = f"http://127.0.0.1:{served.port}/api/echo"
        fields = {"method": "post", "url": url, "repeat_every": [1, "second"], "overlap": "allow"}
        status, answer = self._client.ask("POST", "/api/schedules", fields)
        assert status == 201, answer
        self._path = f"/api/schedules/{answer['data']['id']}"

    def stop(self):
        """What came of each instant, the first one first; no other comes."""
        assert self._client.ask("POST", f"{self._path}/disable")[0] == 200
        wait_until(self._client.settled, LIMIT_SECONDS, "every tick to be final", 0.25)
        return list(read_pages(self._client, f"{self._path}/runs?order_by=fire_at,asc"))


def read_pages(client, path):
    offset = 0
    while page := client.get(f"{path}&limit=100&offset={offset}")["data"]:
        yield from page
        offset += len(page)


def gaps_s(runs):
    """The seconds between each instant and the next one, each once."""
    times = [datetime.fromisoformat(run["fire_at"]) for run in runs]
    return {(later - earlier).total_seconds() for earlier, later in pairwise(times)}
