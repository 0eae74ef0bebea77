"""Measures lists and the drain with ten million jobs of one account in the table.

`make bench-large` runs it, in some twenty minutes. Every order of every list is requested, both ways, its first page
and one by a cursor, also of each state; and a drain is compared with that of a small table, in turn. It needs
PostgreSQL and RabbitMQ (BOOPER_TEST_POSTGRES_URL, BOOPER_TEST_RABBITMQ_URL), 20 GB of disk, and removes its databases
and queues.
"""

import argparse
import contextlib
import statistics
import sys
from collections.abc import Iterator

import requests
from tqdm import tqdm

from bench.clients import Line, latencies_ms, octets
from bench.drain import NAME, drained
from bench.figures import percentile
from bench.neighbours import RABBITMQ_URL
from bench.pages import add_schedules
from bench.session import WEEK, Session, add_jobs, model_job, settle_tables
from bench.targets import Target
from models.jobs import job_lists, log_entries
from models.jobs.states import STATES
from models.schedules import firing_rows, schedule_store
from tests.support.journeys.broker import shared_broker
from tests.support.journeys.client import now_us
from tests.support.journeys.product import Production

PARTS = {"scheduled": 0.4, "completed": 0.4, "retryable": 0.05, "discarded": 0.1, "cancelled": 0.05}
LOGGED = 1_000_000
REQUESTS = 20  # of each page
DRAINED, ROUNDS = 20_000, 3
LONGEST_MS, LEAST_SHARE = 50, 0.9
LIMIT_S = 60


def main() -> int:
    """Measure and print; returns 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description="lists and the drain with very many jobs in the table")
    parser.add_argument("--jobs", type=int, default=10_000_000, help="how many are in the table")
    options = parser.parse_args()
    session = Session(False, ROUNDS, shared_broker(RABBITMQ_URL), DRAINED, frozenset())
    with session.production() as small, session.production() as large, Target() as target:
        fill(large, options.jobs, target.port)
        slowest = listed(large)
        rates = list(drains(small, large, target))
    return print_figures(slowest, rates, options.jobs)


def fill(product: Production, count: int, port: int) -> None:
    """Add jobs in five states, with times that differ, a long log, and schedules with their instants."""
    model = model_job(product, port)
    for state, part in tqdm(PARTS.items(), "filling", disable=None, file=sys.stderr):
        due_at = now_us() + (WEEK if state in ("scheduled", "retryable") else -WEEK)
        add_jobs(product, model, int(count * part), state, due_at)
    product.sql(
        "INSERT INTO log_entry (uuid, account_id, job_id, event, payload, inserted_at) SELECT gen_random_uuid(), "
        "account_id, id, 'worker.http.response', '{\"status\":200,\"attempt\":1}', inserted_at + id "
        "FROM job ORDER BY id DESC LIMIT %s",
        (LOGGED,),
    )
    add_schedules(product)
    settle_tables(product)


def paths(product: Production) -> Iterator[str]:
    """Every list in every order, both ways; jobs also by state."""
    schedule = product.sql("SELECT id FROM schedule LIMIT 1")[0][0]
    lists = {
        "/api/jobs?": job_lists.LISTING.orders,
        "/api/logs?": log_entries.LISTING.orders,
        "/api/schedules?": schedule_store.ORDERS,
        f"/api/schedules/{schedule}/runs?": firing_rows.ORDERS,
    }
    for begin, orders in lists.items():
        for order in orders:
            for way in ("asc", "desc"):
                yield f"{begin}order_by={order},{way}&limit=100"
    for state in STATES:
        yield f"/api/jobs?state={state}&limit=100"
    yield "/api/jobs?offset=10000&limit=100"


def listed(product: Production) -> dict[str, float]:
    """The p95 of each list in ms: of its first page, and of the next one by its cursor."""
    line, figures = Line(product.port), {}
    for path in tqdm([*paths(product)], "lists", disable=None, file=sys.stderr):
        figures[path] = p95_ms(line, product, path)
        if cursor := cursor_of(product, path):
            figures[f"{path}, next"] = p95_ms(line, product, f"{path}&cursor={cursor}")
    line.close()
    return figures


def cursor_of(product: Production, path: str) -> str | None:
    """The cursor of the next page, unless there is none, or the page was chosen by an offset."""
    headers = {"Authorization": f"Bearer {product.key}"}
    answer = requests.get(f"http://127.0.0.1:{product.port}{path}", headers=headers, timeout=LIMIT_S)
    return None if "offset" in path else answer.headers.get("Booper-Next-Cursor")


def p95_ms(line: Line, product: Production, path: str) -> float:
    """Of one request after another. An order that no index gives is refused with 422 where there are too many rows."""
    latencies = latencies_ms(line, octets("GET", path, product.key), REQUESTS, (200, 422))
    return percentile(latencies, 95)


def drains(small: Production, large: Production, target: Target) -> Iterator[tuple[float, float]]:
    """Jobs a second of the small and of the large table, in turn."""
    for _ in range(ROUNDS):
        rates = []
        for product in (small, large):
            target.forget()
            rates.append(drained(product, target, DRAINED)[NAME])
        yield rates[0], rates[1]


def print_figures(figures: dict[str, float], rates: list[tuple[float, float]], jobs: int) -> int:
    for path, p95 in sorted(figures.items(), key=lambda each: -each[1]):
        print(f"{p95:>8.1f} ms  {path}")
    for small, large in rates:
        print(f"drain: {small:,.0f} jobs/s of a small table, {large:,.0f} with {jobs:,} jobs: {large / small:.3f}")
    share = statistics.median(large / small for small, large in rates)
    slowest = max(figures.values())
    held = slowest <= LONGEST_MS and share >= LEAST_SHARE
    bounds = f"at most {LONGEST_MS} ms and a share of at least {LEAST_SHARE}"
    print(f"slowest list {slowest:.1f} ms, share {share:.3f} ({bounds}): {'the bounds hold' if held else 'missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
