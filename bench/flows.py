"""Measures flow control: the drain through many flows, the rate of one flow, and other jobs beside a paused flow."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figures, ratio
from bench.lateness import journey, recorded_lateness_us
from bench.session import SECOND, WEEK, Session, add_jobs, await_recorded, settle_tables
from bench.targets import Target
from tests.support.flow_judge import fullest_window
from tests.support.journeys import checker
from tests.support.journeys.client import Client, now_us
from tests.support.journeys.journey import Journey
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Production
from tests.support.waiting import wait_until

CONCURRENCY, RATE, BESIDE_PER_S = 5, 500, 100
TOLERANCE_US = 50_000  # how much closer together two requests may arrive than they were let go
ACCOUNT = "flows"


def rounds(session: Session) -> Iterator[Figures]:
    for _ in session.each_round("flows"):
        yield through_many(session) | at_a_rate(session) | beside_a_paused_one(session)


def through_many(session: Session) -> Figures:
    """The drain of jobs spread over many flows, against that of jobs without one."""
    count, keys = session.size(20_000, 3_000), session.size(1_000, 150)
    rates = []
    for of_flows in (0, keys):
        with session.production() as product, Target() as target:
            model = ordered(product, target.port, {"key": "flow-0"} if of_flows else None)
            add_flows(product, of_flows)
            target.forget()
            make_due(product, model, count, of_flows)
            rates.append(target.await_arrivals(count, 60 + count / 50))
            await_recorded(product, count, 60)
            target.assert_arrivals(count)
    return {
        "drain without flows, jobs/s": rates[0],
        "drain through flows, jobs/s": rates[1],
        "share of the drain without, %": 100 * ratio(rates[1], rates[0]),
    }


def at_a_rate(session: Session) -> Figures:
    """One flow with a rate: how much of the rate is reached, and its fullest second as the target sees it."""
    count = RATE * session.size(20, 6)
    with tempfile.TemporaryDirectory() as name, ReceiverProcess(Path(name)) as receiver:
        with session.production() as product:
            model = ordered(product, receiver.port, {"key": "flow-0", "rate": RATE, "per": "1s"})
            make_due(product, model, count, 1)
            wait_until(lambda: receiver.arrived() >= count, 60 + 3 * count / RATE, f"{count} arrivals")
            arrivals, _ = receiver.stopped_ledger()
    instants = sorted(arrival.at for arrival in arrivals)
    # Up to the first start of the last window: how the starts of one window are spread says nothing about the rate.
    per_s = (count - RATE) * SECOND / (instants[count - RATE] - instants[0])
    return {
        "one flow, % of its rate": 100 * per_s / RATE,
        "the fullest second of it": fullest_window(instants, SECOND - TOLERANCE_US),
    }


def beside_a_paused_one(session: Session) -> Figures:
    """The lateness of jobs without a flow, before and while many jobs of another account wait on a paused flow."""
    waiting, seconds = session.size(100_000, 5_000), session.size(60, 5)
    with tempfile.TemporaryDirectory() as name, ReceiverProcess(Path(name)) as receiver:
        with session.production() as product:
            alone = p99_ms(Journey(product, receiver), seconds)
            park(product, receiver.port, waiting)
            with ReceiverProcess(Path(name)) as second:
                beside = p99_ms(Journey(product, second), seconds)
    return {
        "p99 at 100/s, ms": alone,
        "p99 beside jobs of a paused flow, ms": beside,
        "times that without": ratio(beside, alone),
    }


def p99_ms(measured: Journey, seconds: int) -> float:
    return checker.percentiles(recorded_lateness_us(journey(measured, BESIDE_PER_S, seconds)))["p99"] / 1000


def park(product: Production, port: int, count: int) -> None:
    """Make so many due jobs of a paused flow, and wait until all are parked."""
    model = ordered(product, port, {"key": "flow-0"})
    status, answer = client(product).ask("POST", "/api/flows/flow-0/pause", {})
    assert status == 200, answer
    make_due(product, model, count, 1)
    parked = "SELECT count(*) FROM job WHERE parked_by IS NOT NULL"
    wait_until(lambda: product.sql(parked)[0][0] == count, 60 + count / 200, f"{count} parked jobs", pause_seconds=0.5)
    settle_tables(product)


def client(product: Production) -> Client:
    return Client(product.port, product.booper("keys", "create", "--account", ACCOUNT, "--name", "bench"))


def ordered(product: Production, port: int, flow: object) -> int:
    """A job that is due in a week, in this flow; its id, for copying."""
    fields = {"url": f"http://127.0.0.1:{port}/ok", "method": "post", "headers": {"X-Nonce": "bench"}}
    fields |= {"body": {"nonce": "bench"}, "schedule_in": WEEK // SECOND, "flow": flow}  # type: ignore[dict-item]
    status, answer = client(product).ask("POST", "/api/jobs", fields)
    assert status == 201, answer
    return int(answer["data"]["job_id"])


def add_flows(product: Production, count: int) -> None:
    """Give the flow of the model a limit, and add others like it."""
    product.sql("UPDATE gate SET concurrency = %s", (CONCURRENCY,))
    columns = "account_id, rate, per_us, concurrency, stops, is_pinned, failures, probes, starts, used_at, created_at"
    product.sql(
        f"INSERT INTO gate (kind, key, {columns}) SELECT kind, 'flow-' || n, {columns} "
        "FROM gate, generate_series(1, %s) AS g(n)",
        (count - 1,),
    )


def make_due(product: Production, model: int, count: int, flows: int) -> None:
    """Add copies of the model, spread over so many flows, and let all be due at once."""
    add_jobs(product, model, count, "scheduled", now_us() + WEEK)
    spread = "flow_id = (SELECT min(id) FROM gate) + id %% %s, " if flows else ""
    values = (flows,) if flows else ()
    product.sql(
        f"UPDATE job SET {spread}scheduled_at = %s, state = 'available' WHERE id > %s",
        (*values, now_us() - SECOND, model),
    )
