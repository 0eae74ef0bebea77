"""Measures how late jobs start in production mode, and the CPU that Booper takes while nothing is due.

`make bench-lateness` runs it: 100 jobs a second for 30 s, to a receiver on this machine, all created before the first
is due. Lateness is measured twice: by the API (attempted_at - scheduled_at) and at the receiver (arrival of the first
octet - the requested instant). It needs PostgreSQL and RabbitMQ (BOOPER_TEST_POSTGRES_URL, BOOPER_TEST_RABBITMQ_URL)
and removes its database and queues.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import pika
import psycopg

from tests.support.journeys import checker
from tests.support.journeys.broker import shared_broker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import Journey, spread
from tests.support.journeys.ledger import History
from tests.support.journeys.processes import ReceiverProcess, cpu_seconds
from tests.support.journeys.product import Production

POSTGRES_URL = os.environ.get("BOOPER_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")
RABBITMQ_URL = os.environ.get("BOOPER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
IDLE_SECONDS = 10
SETTLE_SECONDS = 3
SETTLE_LIMIT_SECONDS = 60
BOUNDS_MS = {"p50": 10, "p99": 50}
IDLE_BOUND_PERCENT = 5
PACKAGES = ("dramatiq", "flask", "gunicorn", "peewee", "pika", "psycopg", "requests")


def main() -> int:
    """Measure and print; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description="lateness and idle cost in production mode")
    parser.add_argument("--rate", type=int, default=100, help="jobs a second")
    parser.add_argument("--seconds", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            ReceiverProcess(folder) as receiver,
            Production(folder, POSTGRES_URL, shared_broker(RABBITMQ_URL)) as product,
        ):
            idle_percent = idle_cpu_percent(product)
            history = journey(Journey(product, receiver), options.rate, options.seconds)
    for name, value in machine().items():
        print(f"{name:<10}{value}")
    return print_figures(history, idle_percent, options)


def idle_cpu_percent(product: Production) -> float:
    """User and system time of all our processes while nothing is due, in per cent of one core."""
    time.sleep(SETTLE_SECONDS)
    before, began = cpu_seconds(product.pids()), time.monotonic()
    time.sleep(IDLE_SECONDS)
    return 100 * (cpu_seconds(product.pids()) - before) / (time.monotonic() - began)


def journey(journey: Journey, rate: int, seconds: int) -> History:
    count = rate * seconds
    journey.order(list(spread(count, journey.lead_us(count) + now_us(), seconds)))
    return journey.settle(SETTLE_LIMIT_SECONDS)


def recorded_lateness_us(history: History) -> list[int]:
    """attempted_at - scheduled_at, as the API shows them."""
    return [job.attempted_at - job.scheduled_at for job in history.recorded if job.attempted_at and job.scheduled_at]


def machine() -> dict[str, str]:
    """The machine, its load, and the versions."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    with psycopg.connect(POSTGRES_URL, connect_timeout=5) as connection:
        postgres = connection.info.server_version // 10_000
    versions = f"PostgreSQL {postgres}, RabbitMQ {rabbitmq_version()}, Python {platform.python_version()}"
    return {
        "machine": f"{os.cpu_count()} x {models[0].partition(': ')[2]}, {memory_kb / 1024**2:.1f} GB of memory",
        "load": f"{os.getloadavg()[0]:.1f} in the last minute, by all of the machine",
        "versions": f"{versions}, {platform.system()} {platform.release()}",
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
    }


def rabbitmq_version() -> str:
    connection = pika.BlockingConnection(pika.URLParameters(RABBITMQ_URL))
    properties = connection._impl.server_properties
    connection.close()
    return properties["version"]


def print_figures(history: History, idle_percent: float, options: argparse.Namespace) -> int:
    broken = checker.check(history)
    recorded = checker.percentiles(recorded_lateness_us(history))
    print(f"\n{options.rate} jobs/s for {options.seconds} s: {len(history.arrivals)} requests arrived")
    print(f"{'lateness, ms':<32}{'p50':>8}{'p99':>8}{'p99.9':>8}{'max':>8}")
    print_row("attempted_at - scheduled_at", recorded.values())
    print_row("arrival - due", checker.lateness_us(history).values())
    print(f"idle CPU of all processes       {idle_percent:.1f} % of a core over {IDLE_SECONDS} s")
    broken += [
        f"{name} must be at most {bound} ms" for name, bound in BOUNDS_MS.items() if recorded[name] > 1000 * bound
    ]
    if idle_percent > IDLE_BOUND_PERCENT:
        broken.append(f"idle CPU must be under {IDLE_BOUND_PERCENT} % of a core")
    print("\n".join(broken) or "every bound holds")
    return 1 if broken else 0


def print_row(name: str, values_us: Iterable[int]) -> None:
    print(f"{name:<32}" + "".join(f"{value / 1000:>8.1f}" for value in values_us))


if __name__ == "__main__":
    sys.exit(main())
