"""Measures what one account's hanging targets cost another account's jobs.

`make bench-neighbours` runs it. Jobs of one account go to a host that never answers, or answers late (127.0.0.2).
Meanwhile 50 jobs a second of another account go to a host that answers at once (127.0.0.1); before, the same product
runs these good jobs alone. Lateness is the arrival of the first octet - the requested instant. It needs PostgreSQL and
RabbitMQ (BOOPER_TEST_POSTGRES_URL, BOOPER_TEST_RABBITMQ_URL) and removes its database and queues.
"""

import argparse
import asyncio
import contextlib
import os
import queue
import random
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.journeys import checker
from tests.support.journeys.broker import shared_broker
from tests.support.journeys.client import Client, now_us
from tests.support.journeys.journey import SECOND, WEEK, Journey, spread
from tests.support.journeys.ledger import Created, History
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

POSTGRES_URL = os.environ.get("BOOPER_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")
RABBITMQ_URL = os.environ.get("BOOPER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
HANGING_HOST = "127.0.0.2"
TIMEOUT_SECONDS = 30
BACKLOG = 4096
ALLOWED_FACTOR, ALLOWED_MORE_US = 2, SECOND // 4
NAMES = ("p50", "p99", "max")


def main() -> int:
    """Measure and print; returns 1 if the p99 of the good jobs is over the bound."""
    parser = argparse.ArgumentParser(description="lateness beside hanging neighbours, in production mode")
    parser.add_argument("--hanging", type=int, default=1000, help="jobs to the host that hangs")
    parser.add_argument("--rate", type=int, default=50, help="good jobs a second")
    parser.add_argument("--seconds", type=int, default=20)
    answers = "the host answers after FROM to TO seconds, such as 5 25, instead of never"
    parser.add_argument("--dawdles", nargs=2, type=float, metavar=("FROM", "TO"), help=answers)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as opened:
        folder = Path(name)
        receiver = opened.enter_context(ReceiverProcess(folder))
        slow_host = dawdling_host(*options.dawdles) if options.dawdles else hanging_host()
        hanging_port = opened.enter_context(slow_host)
        product = opened.enter_context(Production(folder, POSTGRES_URL, shared_broker(RABBITMQ_URL)))
        journey = Journey(product, receiver)
        alone = good_jobs(journey, options)
        hang(product, hanging_port, options.hanging)
        beside = good_jobs(journey, options)
        states = dict(product.sql("SELECT state, count(*) FROM job WHERE host = %s GROUP BY state", (HANGING_HOST,)))
        arrivals, _ = receiver.stopped_ledger()
    how = "are answered after {} to {} s" if options.dawdles else f"hang for {TIMEOUT_SECONDS} s"
    print(f"{options.hanging} jobs {how.format(*options.dawdles or ())} each; at the end they were {states}")
    return print_figures(lateness_us(alone, arrivals), lateness_us(beside, arrivals), options)


@contextlib.contextmanager
def hanging_host() -> Iterator[int]:
    """A port whose connections nobody accepts: the kernel takes the requests and nobody answers."""
    with socket.create_server((HANGING_HOST, 0), backlog=BACKLOG) as server:
        yield server.getsockname()[1]


class Dawdling(asyncio.Protocol):
    """One connection whose requests are answered after a random time. Each is small enough to arrive in one piece."""

    def __init__(self, min_seconds: float, max_seconds: float) -> None:
        self._between = min_seconds, max_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, _request: bytes) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        asyncio.get_running_loop().call_later(random.uniform(*self._between), self._transport.write, answer)


@contextlib.contextmanager
def dawdling_host(min_seconds: float, max_seconds: float) -> Iterator[int]:
    """The port of a server thread that answers each request with 200 after a time between the two."""
    listening: queue.SimpleQueue[tuple[int, Callable[[], object]]] = queue.SimpleQueue()

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        server = await loop.create_server(lambda: Dawdling(min_seconds, max_seconds), HANGING_HOST, 0, backlog=BACKLOG)
        listening.put((server.sockets[0].getsockname()[1], lambda: loop.call_soon_threadsafe(stop.set)))
        await stop.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="dawdling host")
    thread.start()
    port, stop = listening.get(timeout=10)
    try:
        yield port
    finally:
        stop()
        thread.join(10)


def good_jobs(journey: Journey, options: argparse.Namespace) -> list[Created]:
    """Create jobs before the first is due; returns them when all have arrived."""
    count, before = options.rate * options.seconds, journey.receiver.arrived()
    first_due_at = journey.lead_us(count) + now_us()
    created = journey.order(list(spread(count, first_due_at, options.seconds)))
    left_s = (created[-1].due_at - now_us()) / SECOND
    journey.await_arrivals(before + count, left_s + 60)
    return created


def hang(product: Production, port: int, count: int) -> None:
    """Make `count` hanging jobs of another account that are due now; returns when the first are under way."""
    key = product.booper("keys", "create", "--account", "neighbour", "--name", "neighbour")
    order = {
        "url": f"http://{HANGING_HOST}:{port}/",
        "timeout": TIMEOUT_SECONDS,
        "headers": {"X-Nonce": "hanging"},
        "schedule_in": WEEK // SECOND,
    }
    status, answer = Client(product.port, key).ask("POST", "/api/jobs", order)
    assert status == 201, answer
    product.copy_job(answer["data"]["job_id"], "hanging", count, "available", now_us())
    under_way = "SELECT count(*) FROM job WHERE state = 'executing' AND host = %s"
    wait_until(lambda: product.sql(under_way, (HANGING_HOST,))[0][0] > 0, 20, "hanging requests")


def lateness_us(created: list[Created], arrivals: list) -> dict[str, int]:
    return checker.lateness_us(History(created=created, arrivals=arrivals))


def print_figures(alone: dict[str, int], beside: dict[str, int], options: argparse.Namespace) -> int:
    print(f"{options.rate} good jobs/s for {options.seconds} s; load {os.getloadavg()[0]:.1f} in the last minute")
    print(f"{'lateness, ms':<28}" + "".join(f"{name:>8}" for name in NAMES))
    for title, figures in (("alone", alone), ("beside the hanging ones", beside)):
        print(f"{title:<28}" + "".join(f"{figures[name] / 1000:>8.1f}" for name in NAMES))
    bound = ALLOWED_FACTOR * alone["p99"] + ALLOWED_MORE_US
    held = beside["p99"] <= bound
    print(f"p99 must be at most {bound / 1000:.1f} ms: {'the bound holds' if held else 'the bound is missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
