"""Measures creates through the API: one job a request beside a bare endpoint, and many jobs a request.

The bare endpoint runs twice with the command line of Booper's API but for app and port: once with gunicorn's own
threaded worker, as a bare Flask app is served, and once with Booper's worker, which spends less on each request.
"""

import contextlib
import http.client
import json
from collections.abc import Iterator
from pathlib import Path

from bench.bare import TABLE
from bench.clients import ask_all, octets
from bench.figures import Figures, percentile, ratio
from bench.session import WEEK, NotThereYet, Session
from tests.support.journeys.client import now_us
from tests.support.journeys.ledger import timestamp
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.journeys.product import Production, status_of
from tests.support.waiting import wait_until

CLIENTS = 16
WARM_UP = 320
JOBS_A_CALL = 1000
OURS = "api.server.gunicorn_worker.Worker"
ROOT = Path(__file__).parent.parent


def order() -> dict[str, object]:
    """One job that is due in a week."""
    return {
        "method": "post",
        "url": "http://127.0.0.1:9/ok",
        "headers": {"X-Nonce": "bench-0-1234"},
        "body": {"nonce": "bench-0-1234"},
        "scheduled_at": timestamp(now_us() + WEEK),
    }


def rounds(session: Session) -> Iterator[Figures]:
    """Requests a second by 16 clients, alternating with the bare endpoint."""
    count = session.size(16_000, 2_400)
    with session.production() as product, bare_endpoint(product, "gthread") as bare, bare_endpoint(product) as same:
        request = octets("POST", "/api/jobs", product.key, json.dumps(order()).encode())
        for port in (product.port, bare, same):
            ask_all(port, request, WARM_UP, CLIENTS, 201)
        for _ in session.each_round("create"):
            ours, of_gunicorn, of_ours = (
                ask_all(port, request, count, CLIENTS, 201) for port in (product.port, bare, same)
            )
            yield {
                "requests/s": ours.per_s,
                "p99, ms": 1000 * percentile(ours.latencies_s, 99),
                "bare Flask and one INSERT, requests/s": of_gunicorn.per_s,
                "share of it, %": 100 * ratio(ours.per_s, of_gunicorn.per_s),
                "the same on Booper's worker, requests/s": of_ours.per_s,
                "share of that, %": 100 * ratio(ours.per_s, of_ours.per_s),
            }


def batch_rounds(session: Session) -> Iterator[Figures]:
    """Jobs a second in calls of a thousand, by two clients."""
    calls = session.size(20, 6)
    with session.production() as product:
        client = product.client()
        status, _ = client.ask("POST", "/api/jobs/batch", {"jobs": [order()]})
        if status in (404, 405):
            raise NotThereYet(f"POST /api/jobs/batch is not there yet: it was answered {status}")
        body = json.dumps({"jobs": [order()] * JOBS_A_CALL}).encode()
        request = octets("POST", "/api/jobs/batch", product.key, body)
        for _ in session.each_round("batch create"):
            ((before,),) = product.sql("SELECT count(*) FROM job")
            calls_made = ask_all(product.port, request, calls, 2, status)
            ((created,),) = product.sql("SELECT count(*) - %s FROM job", (before,))
            assert created == calls * JOBS_A_CALL, (
                f"{calls} calls must make {JOBS_A_CALL} jobs each, got {created} in all"
            )
            yield {"jobs/s": calls_made.per_s * JOBS_A_CALL}


@contextlib.contextmanager
def bare_endpoint(product: Production, worker_class: str = OURS) -> Iterator[int]:
    """The port of the bare endpoint, run with the command line of the API."""
    product.sql(TABLE)
    port = free_port()
    line = Path(f"/proc/{product.processes['api'].pid}/cmdline").read_text().split("\0")[:-1]
    other = {OURS: worker_class, "booper.wsgi:app": "bench.bare:app", f"127.0.0.1:{product.port}": f"127.0.0.1:{port}"}
    env = product.env | {"PYTHONPATH": str(ROOT)}
    bare = Running("bare", [other.get(word, word) for word in line], env, product.folder)
    try:
        wait_until(lambda: answers(port), 30, f"the bare endpoint:\n{bare.log()}", pause_seconds=0.1)
        yield port
    finally:
        bare.stop(5)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return status_of(port, "/") == 404
    return False
