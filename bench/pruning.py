"""Measures what pruning costs creates: their latency with and without it, alternating.

Each finished job has its attempt and its two log entries. Creates come at a fixed rate, so that latency and not
throughput is compared. "Without" is the same product with its worker (ticker and senders) frozen.
"""

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator

from bench.clients import Asked, ask_all, octets
from bench.create import order
from bench.figures import Figures, percentile, ratio
from bench.session import WEEK, Session, add_jobs, model_job
from tests.support.journeys.client import now_us
from tests.support.journeys.processes import descendants
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

CLIENTS, PER_S = 4, 200
AGE = 20 * WEEK
OLD = f"UPDATE job SET inserted_at = inserted_at - {AGE}, completed_at = scheduled_at WHERE state = 'completed'"
ATTEMPTS = (
    "INSERT INTO attempt (job_id, number, started_at, finished_at, lateness_us, outcome, status_code) "
    "SELECT id, 1, scheduled_at, scheduled_at, 0, 'answered', 200 FROM job WHERE state = 'completed'"
)
ENTRIES = (
    "INSERT INTO log_entry (uuid, account_id, job_id, event, payload, inserted_at) "
    'SELECT gen_random_uuid(), account_id, id, event, \'{"url": "http://127.0.0.1:9/ok"}\', scheduled_at FROM job, '
    "(VALUES ('worker.http.request'), ('worker.http.response')) AS both_of (event) WHERE state = 'completed'"
)
LEFT = "SELECT count(*) FROM job WHERE state = 'completed'"


def rounds(session: Session) -> Iterator[Figures]:
    """The p99 of a create with and without pruning, and the rate of pruning."""
    count, requests = session.size(1_000_000, 40_000), session.size(1_500, 300)
    with session.production() as product:
        session.tell(f"pruning: making {count} finished jobs")
        with frozen(product):
            add_jobs(product, model_job(product, 9), count, "completed", now_us() - AGE)
            for statement in (OLD, ATTEMPTS, ENTRIES, "ANALYZE"):
                product.sql(statement)
            creates(product, requests // 4)
        sweep_anew(product)
        for _ in session.each_round("pruning"):
            with frozen(product):
                without = creates(product, requests)
            before = await_fewer(product)
            began = time.perf_counter()
            beside = creates(product, requests)
            took_s = time.perf_counter() - began
            with frozen(product):
                left = product.sql(LEFT)[0][0]
            assert 0 < left < before, f"jobs must be pruned all the while, got {before} before and {left} after"
            yield {
                "p99 of a create while pruning, times that without": ratio(p99_ms(beside), p99_ms(without)),
                "jobs pruned/s": (before - left) / took_s,
                "p99 while pruning, ms": p99_ms(beside),
                "p99 without, ms": p99_ms(without),
            }


@contextlib.contextmanager
def frozen(product: Production) -> Iterator[None]:
    """Stop the product's worker and its descendants while the block lasts."""
    root = product.processes["worker"].pid
    pids = [root, *descendants(root)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def sweep_anew(product: Production) -> None:
    """Restart the worker: a ticker that takes the lead begins a sweep at once."""
    product.processes["worker"].tell_to_stop()
    product.processes["worker"].stop(40)
    product.launch("worker")


def await_fewer(product: Production) -> int:
    """Wait until a job is pruned; returns how many are left. The step that was frozen seems long, so the pruner rests
    long after it."""
    before = product.sql(LEFT)[0][0]
    wait_until(lambda: product.sql(LEFT)[0][0] < before, 60, "a job pruned", pause_seconds=0.2)
    return product.sql(LEFT)[0][0]


def creates(product: Production, count: int) -> Asked:
    request = octets("POST", "/api/jobs", product.key, json.dumps(order()).encode())
    return ask_all(product.port, request, count, CLIENTS, 201, PER_S)


def p99_ms(requests: Asked) -> float:
    return 1000 * percentile(requests.latencies_s, 99)
