"""Measures lateness beside a transaction that stays open, as that of a dump or a report does.

`make bench-old-transaction` runs it: 100 jobs a second for 15 minutes, in production mode, while another session of the
database holds a snapshot. No dead row or index entry is removed meanwhile. `--before` drains so many jobs beside it
first, as if it had been open for hours. Lateness is attempted_at - scheduled_at. It needs PostgreSQL and RabbitMQ
(BOOPER_TEST_POSTGRES_URL, BOOPER_TEST_RABBITMQ_URL) and removes its database and queues.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench.session import POSTGRES_URL, RABBITMQ_URL, SECOND, add_jobs, await_recorded, model_job, settle_tables
from bench.targets import Target
from tests.support.journeys.broker import shared_broker
from tests.support.journeys.client import now_us
from tests.support.journeys.processes import cpu_seconds
from tests.support.journeys.product import Production

MINUTE_S = 60
LEAD_S = 15  # more than the look-ahead, so that all are staged as usual
ALLOWED_FACTOR = 2
DRAINED_A_SECOND = 200  # a drain beside it that is slower has failed
BY_MINUTE = """
SELECT (started_at - lateness_us - %s - 1) / 60000000 AS minute, count(*),
percentile_disc(0.5) WITHIN GROUP (ORDER BY lateness_us), percentile_disc(0.99) WITHIN GROUP (ORDER BY lateness_us),
max(lateness_us) FROM attempt WHERE started_at - lateness_us >= %s GROUP BY 1 ORDER BY 1
"""


def main() -> int:
    """Measure and print; returns 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description="lateness beside an old transaction, in production mode")
    parser.add_argument("--rate", type=int, default=100, help="jobs a second")
    parser.add_argument("--minutes", type=int, default=15)
    parser.add_argument("--before", type=int, default=0, help="so many jobs are drained beside the transaction first")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Target() as target:
        with Production(Path(name), POSTGRES_URL, shared_broker(RABBITMQ_URL)) as product:
            model = model_job(product, target.port)
            with old_transaction(product):
                drain(product, model, options.before)
                first_due_at = order(product, model, options.rate, options.minutes)
                cpu_s = wait(product, first_due_at, options.minutes)
                await_recorded(product, options.before + options.rate * options.minutes * MINUTE_S, 120)
            minutes = product.sql(BY_MINUTE, (first_due_at, first_due_at))
    return print_figures(minutes, cpu_s, options)


@contextlib.contextmanager
def old_transaction(product: Production) -> Iterator[None]:
    """Another session holds a snapshot for the length of the block."""
    with psycopg.connect(product.database_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM job")
        yield
        connection.rollback()


def drain(product: Production, model: int, count: int) -> None:
    """Jobs that leave their dead rows and entries behind."""
    add_jobs(product, model, count, "available", now_us() - MINUTE_S * SECOND)
    await_recorded(product, count, 60 + count / DRAINED_A_SECOND)


def order(product: Production, model: int, rate: int, minutes: int) -> int:
    """Jobs that fall due evenly; returns the instant of the first."""
    count, far_at = rate * minutes * MINUTE_S, now_us() + 365 * 24 * 3600 * SECOND
    add_jobs(product, model, count, "scheduled", far_at)
    settle_tables(product)
    first_due_at = now_us() + (LEAD_S + count // 10_000) * SECOND
    product.sql(
        "UPDATE job SET scheduled_at = %s + (scheduled_at - %s) * %s WHERE scheduled_at >= %s",
        (first_due_at, far_at, SECOND // rate, far_at),
    )
    return first_due_at


def wait(product: Production, first_due_at: int, minutes: int) -> list[float]:
    """Wait until the last is due; returns the CPU time of our processes in each minute."""
    spent = []
    time.sleep(max(0, first_due_at - now_us()) / SECOND)
    for minute in range(1, minutes + 1):
        before = cpu_seconds(product.pids())
        time.sleep(max(0, first_due_at + minute * MINUTE_S * SECOND - now_us()) / SECOND)
        spent.append(cpu_seconds(product.pids()) - before)
    return spent


def print_figures(minutes: list[tuple], cpu_s: list[float], options: argparse.Namespace) -> int:
    print(f"{options.rate} jobs/s beside an open transaction, after {options.before} others")
    print(f"load {os.getloadavg()[0]:.1f} in the last minute, by all of the machine")
    print(f"{'minute':>6}{'jobs':>8}{'p50, ms':>10}{'p99, ms':>10}{'max, ms':>10}{'our CPU, s':>12}")
    for (minute, count, *lateness_us), spent_s in zip(minutes, cpu_s, strict=True):
        print(f"{minute + 1:>6}{count:>8}" + "".join(f"{us / 1000:>10.1f}" for us in lateness_us) + f"{spent_s:>12.1f}")
    first_us, last_us = minutes[0][3], minutes[-1][3]
    held = last_us <= ALLOWED_FACTOR * first_us
    bound = f"p99 of the last minute must be at most {ALLOWED_FACTOR} times that of the first"
    print(f"{bound}: {'the bound holds' if held else 'the bound is missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
