"""Measures what a large table costs: lists, the drain, and memory, each beside a small table.

Both products run side by side, so that the measurements alternate.
"""

from collections.abc import Iterator
from pathlib import Path

from bench.clients import Line, latencies_ms, octets
from bench.drain import NAME, drained
from bench.figures import Figures, percentile, ratio
from bench.session import SECOND, WEEK, Session, add_jobs, fill, model_job, settle_tables
from bench.targets import Target
from tests.support.journeys.client import now_us
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

PAGES = {
    "first page": "/api/jobs",
    "state filter": "/api/jobs?state=completed",
    "offset 10,000": "/api/jobs?offset=10000",
}
LOOK_AHEAD_SECONDS = 1


def lists(session: Session) -> Iterator[Figures]:
    """The p50 of three lists with few and with very many jobs of the account in the table."""
    large_count, requests = session.size(2_000_000, 20_000), session.size(300, 100)
    with session.production() as small, session.production() as large:
        for product, count in ((small, 1_000), (large, large_count)):
            session.tell(f"list: making {count} jobs")
            fill(product, model_job(product, 9), count // 2, count // 2)
        for _ in session.each_round("list"):
            few = {page: p50_ms(small, path, requests) for page, path in PAGES.items()}
            many = {page: p50_ms(large, path, requests) for page, path in PAGES.items()}
            yield {
                "first page, large / small": ratio(many["first page"], few["first page"]),
                "state filter, large / small": ratio(many["state filter"], few["state filter"]),
                "offset 10,000 of the large, ms": many["offset 10,000"],
                "first page of the large, ms": many["first page"],
                "state filter of the large, ms": many["state filter"],
            }


def p50_ms(product: Production, path: str, count: int) -> float:
    """The p50 of `count` requests, one after another."""
    line = Line(product.port)
    latencies = latencies_ms(line, octets("GET", path, product.key), count)
    line.close()
    return percentile(latencies, 50)


def drains(session: Session) -> Iterator[Figures]:
    """The drain with an otherwise empty table, and with one full of far-future and finished jobs."""
    rows, count = session.size(2_000_000, 20_000), session.size(10_000, 2_000)
    with session.production() as small, session.production() as large, Target() as target:
        session.tell(f"growth: making {2 * rows} jobs")
        fill(large, model_job(large, target.port), rows, rows)
        for _ in session.each_round("growth"):
            rates = {}
            for name, product in (("small", small), ("large", large)):
                target.forget()
                rates[name] = drained(product, target, count)[NAME]
            share = ratio(rates["large"], rates["small"])
            yield {"large / small": share} | {f"{name} table, jobs/s": rate for name, rate in rates.items()}


def memory(session: Session) -> Iterator[Figures]:
    """The growth of the memory of all our processes by waiting jobs; each round adds a part of a million."""
    waiting, count = session.size(1_000_000 // session.rounds, 50_000), session.size(2_000, 1_000)
    with session.production(BOOPER_LOOK_AHEAD_SECONDS=str(LOOK_AHEAD_SECONDS)) as product, Target() as target:
        drained(product, target, count)
        model = model_job(product, target.port)
        for _ in session.each_round("memory"):
            settle_tables(product)
            before = resident_bytes(product)
            add_jobs(product, model, waiting, "scheduled", now_us() + WEEK)
            await_ticks(product)
            each = (resident_bytes(product) - before) / waiting
            yield {"bytes a waiting job": max(0, round(each)), "memory of all our processes, MB": before / 1e6}


def await_ticks(product: Production) -> None:
    """Wait until the ticker has run for two look-aheads."""
    until = now_us() + 2 * LOOK_AHEAD_SECONDS * SECOND
    wait_until(lambda: product.sql("SELECT seen_at FROM ticker")[0][0] > until, 60, "the ticker", pause_seconds=0.5)


def resident_bytes(product: Production) -> int:
    """The resident memory of all processes of the product."""
    lines = [line for pid in product.pids() for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
