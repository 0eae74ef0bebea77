"""Production mode under way: the pages of the API and of a worker show what all their processes did, whatever died.

What the pages say is compared with the ledgers: creates answered, requests arrived.
"""

import contextlib
import http.client
import os
import signal

import pytest

from tests.support.journeys.client import now_us
from tests.support.journeys.journey import spread
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import connected_to, descendants
from tests.support.waiting import wait_until

JOBS = 300
SETTINGS = {"BOOPER_WORKER_METRICS_PORT": str(free_port()), "BOOPER_SENDER_SLOTS": "64"}
SETTLE_SECONDS = 60
TURNS = 20


def page(port):
    """The samples of one page: `name{labels}` → value."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
    assert answer.status == 200, text
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}


def transitions(samples, *names):
    return [samples[f'booper_jobs_total{{transition="{name}"}}'] for name in names]


def times_staged(journey):
    """By the rows: a job that found its host's share of the slots full was put off and staged again."""
    return journey.product.sql("SELECT sum(staged_count) FROM job")[0][0]


def perform(journey, count):
    """Order so many jobs, due at once, and see them arrive."""
    already = journey.receiver.arrived()
    journey.order(list(spread(count, now_us(), 0)))
    journey.await_arrivals(already + count, SETTLE_SECONDS)


def perform_by_both(production, supervisor):
    """Jobs until both processes have sent, since their figures are to be a sum; how many, and the processes."""
    for turn in range(1, TURNS + 1):
        perform(production, JOBS)
        senders = connected_to(production.receiver.port, descendants(supervisor))
        if len(senders) == 2:
            return turn * JOBS, senders
    raise AssertionError(f"in {TURNS} turns of {JOBS} jobs one process sent them all")


@pytest.mark.parametrize("production", [SETTINGS], indirect=True)
def test_the_pages_sum_over_processes_and_over_those_that_were_killed(production):
    api, worker = production.product.port, int(production.product.env["BOOPER_WORKER_METRICS_PORT"])
    supervisor = production.product.processes["worker"].pid
    count, senders = perform_by_both(production, supervisor)
    completed = 'booper_attempts_total{outcome="answered",status="2xx"}'
    wait_until(lambda: page(worker).get(completed) == count, SETTLE_SECONDS, "every attempt on the page")
    samples = page(worker)
    assert transitions(samples, "staged", "claimed", "completed") == [times_staged(production), count, count]
    assert samples["booper_lateness_seconds_count"] == count
    assert samples["booper_sender_slots"] == 2 * 64
    assert samples["booper_ticker_leading"] == 1
    wait_until(lambda: page(worker)["booper_sender_slots_in_use"] == 0, 60, "free slots on the page")
    assert transitions(page(api), "created") == [count]

    os.kill(senders[0], signal.SIGKILL)
    wait_until(lambda: senders[1] not in descendants(supervisor), 60, "the end of the other sender")
    perform(production, JOBS)
    wait_until(lambda: page(worker).get(completed) == count + JOBS, SETTLE_SECONDS, "the old and the new attempts")
    wait_until(lambda: page(worker)["booper_sender_slots"] == 2 * 64, 60, "the slots of the living alone")
    assert transitions(page(worker), "completed") == [count + JOBS]

    answering = descendants(production.product.processes["api"].pid)
    for pid in answering:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: answers_again(api, answering, production), 60, "new processes of the API")
    assert transitions(page(api), "created") == [count + JOBS]
    production.settle(SETTLE_SECONDS)
    directories = files_of_metrics(production)
    assert len(directories) == 2
    production.product.stop()
    assert not any(os.path.exists(directory) for directory in directories)


def answers_again(port, before, journey):
    if set(before) & set(descendants(journey.product.processes["api"].pid)):
        return False
    with contextlib.suppress(OSError, http.client.HTTPException):
        return bool(page(port))
    return False


def files_of_metrics(journey):
    """The directories that the product's processes hold files in."""
    folders = set()
    for pid in journey.product.pids():
        with contextlib.suppress(OSError):
            names = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
            folders |= {os.path.dirname(name) for name in names if name.endswith(".db") and "booper-metrics-" in name}
    return folders
