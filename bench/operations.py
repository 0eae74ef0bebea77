"""Measures what the cancelling of many jobs by a filter costs others, and whether a crash leaves or repeats any of it.

`make bench-operations` runs it. Jobs are created and sent at a steady rate all the time: first alone, then while an
operation cancels 100,000 others, then while it cancels as many again and the ticker that works it off is killed in the
middle. Lateness is the arrival of the first octet - the requested instant. It needs PostgreSQL and RabbitMQ
(BOOPER_TEST_POSTGRES_URL, BOOPER_TEST_RABBITMQ_URL) and removes its database and queues.
"""

import argparse
import contextlib
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench.neighbours import POSTGRES_URL, RABBITMQ_URL
from bench.session import settle_tables
from tests.support.journeys import checker
from tests.support.journeys.broker import shared_broker
from tests.support.journeys.client import Order, now_us
from tests.support.journeys.journey import SECOND, WEEK, Journey
from tests.support.journeys.ledger import Created, History
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

THREADS = 4
AHEAD_US = 2 * SECOND  # a job is created so long before it is due
LONGEST_LOCK_MS = 250
ALLOWED_FACTOR = 1.2
LIMIT_S = 600
NO_WAIT = (0.0, "none", "")
NAMES = ("p50", "p99", "max")
LONGEST_WAIT = (
    "SELECT extract(epoch FROM clock_timestamp() - waitstart) * 1000, locktype, left(query, 120) FROM pg_locks "
    "JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database() AND waitstart IS NOT NULL "
    "ORDER BY waitstart LIMIT 1"
)
CANCELLED_TWICE = (
    "SELECT count(*) FROM (SELECT 1 FROM log_entry WHERE event = 'worker.job.cancelled' GROUP BY job_id "
    "HAVING count(*) > 1) AS repeated"
)


def main() -> int:
    """Measure and print; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description="lateness beside an operation on many jobs, in production mode")
    parser.add_argument("--jobs", type=int, default=100_000, help="how many are cancelled")
    parser.add_argument("--rate", type=int, default=100, help="other jobs a second")
    parser.add_argument("--seconds", type=int, default=30, help="how long the others go alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as opened:
        folder = Path(name)
        receiver = opened.enter_context(ReceiverProcess(folder))
        product = opened.enter_context(Production(folder, POSTGRES_URL, shared_broker(RABBITMQ_URL)))
        journey, phases, waits = Journey(product, receiver), {}, []
        opened.enter_context(locks_watched(product.database_url, waits))
        phases["alone"] = beside(journey, options, lambda: time.sleep(options.seconds))
        first, second = ({}, {})
        phases["beside an operation"] = beside(journey, options, lambda: first.update(operation(journey, options, "a")))
        memory_mb = peak_memory_mb(product.ticker())
        phases["and a killed ticker"] = beside(
            journey, options, lambda: second.update(operation(journey, options, "b", kill=True))
        )
        arrivals, _ = wait_for_all(journey, phases)
        left = product.sql("SELECT count(*) FROM job WHERE state NOT IN ('completed', 'cancelled')")[0][0]
        twice = product.sql(CANCELLED_TWICE)[0][0]
    lateness = {
        title: checker.lateness_us(History(created=created, arrivals=arrivals)) for title, created in phases.items()
    }
    return print_figures(lateness, [first, second], max(waits, default=NO_WAIT), memory_mb, left, twice, options)


def beside(journey: Journey, options: argparse.Namespace, work: Any) -> list[Created]:
    """The jobs that were created at the rate while the work went on."""
    stop, created, mark, began_at = threading.Event(), [], secrets.token_hex(4), now_us()

    def create(first: int) -> None:
        number = first
        while not stop.is_set():
            due_at = began_at + AHEAD_US + number * SECOND // options.rate
            time.sleep(max(0, due_at - AHEAD_US - now_us()) / SECOND)
            created.append(journey.client.create(Order(f"{mark}-{number}", due_at)))
            number += THREADS

    threads = [threading.Thread(target=create, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        work()
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    return created


def operation(journey: Journey, options: argparse.Namespace, label: str, kill: bool = False) -> dict[str, Any]:
    """Cancel so many jobs of one name by a filter; what the operation says at its end, and how long it took."""
    product, client = journey.product, journey.client
    fields = {"url": f"http://127.0.0.1:{journey.receiver.port}/ok", "name": label, "headers": {"X-Nonce": label}}
    status, model = client.ask("POST", "/api/jobs", fields | {"schedule_in": WEEK // SECOND})
    assert status == 201, model
    product.copy_job(model["data"]["job_id"], label, options.jobs - 1, "scheduled", now_us() + WEEK)
    settle_tables(product)
    began = time.monotonic()
    status, answer = client.ask("POST", "/api/jobs/cancel", {"filter": {"name": label}})
    assert status == 202, answer
    path = f"/api/operations/{answer['data']['id']}"
    if kill:
        wait_until(lambda: client.get(path)["data"]["done"] > options.jobs // 2, LIMIT_S, "half of the jobs")
        os.kill(product.ticker(), signal.SIGKILL)
    wait_until(lambda: client.get(path)["data"]["state"] == "done", LIMIT_S, "the end", pause_seconds=0.25)
    return client.get(path)["data"] | {"seconds": time.monotonic() - began}


def peak_memory_mb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@contextlib.contextmanager
def locks_watched(url: str, waits: list[tuple[float, str, str]]) -> Iterator[None]:
    """Look fifty times a second how long a session has waited for a lock, for which kind, and in which statement."""
    stop = threading.Event()

    def watch() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while not stop.wait(0.02):
                waits.extend((float(ms), kind, query) for ms, kind, query in connection.execute(LONGEST_WAIT))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def wait_for_all(journey: Journey, phases: dict[str, list[Created]]) -> Any:
    count = sum(map(len, phases.values()))
    journey.await_arrivals(count, 120)
    return journey.receiver.stopped_ledger()


def print_figures(
    lateness: dict[str, dict[str, int]],
    operations: list[dict[str, Any]],
    longest: tuple[float, str, str],
    memory_mb: int,
    left: int,
    twice: int,
    options: argparse.Namespace,
) -> int:
    print(f"{options.rate} other jobs/s; load {os.getloadavg()[0]:.1f} in the last minute")
    print(f"{'lateness, ms':<28}" + "".join(f"{name:>8}" for name in NAMES))
    for title, figures in lateness.items():
        print(f"{title:<28}" + "".join(f"{figures[name] / 1000:>8.1f}" for name in NAMES))
    for each in operations:
        print(f"cancelled {each['done']}, failed {each['failed']}, in {each['seconds']:.0f} s")
    print(f"longest wait for a lock {longest[0]:.0f} ms ({longest[1]}: {longest[2]})")
    print(f"peak memory of the ticker {memory_mb} MB")
    print(f"jobs left {left}, cancelled twice {twice}")
    bound = ALLOWED_FACTOR * lateness["alone"]["p99"]
    whole = all((each["done"], each["failed"]) == (options.jobs, 0) for each in operations) and not left and not twice
    held = whole and longest[0] <= LONGEST_LOCK_MS and lateness["beside an operation"]["p99"] <= bound
    print(f"p99 beside an operation must be at most {bound / 1000:.1f} ms: {'the bounds hold' if held else 'missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
