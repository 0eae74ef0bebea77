"""F12: SIGTERM to a worker: once, twice, and while it starts."""

import time

import pytest

from tests.support.faults.faulty_product import FIELDS
from tests.support.faults.report import extra, note
from tests.support.faults.scale import only_full, seeded
from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, spread
from tests.support.journeys.processes import command_of
from tests.support.waiting import wait_until

GRACE_SECONDS = 3
GRACE = {"BOOPER_SHUTDOWN_GRACE_SECONDS": str(GRACE_SECONDS)}
STALLED = 6
TIMEOUT_SECONDS = 30  # of the stalled requests: who waited for them would not end sooner


@pytest.mark.alone
@pytest.mark.parametrize("production", [GRACE | {"fields": FIELDS | {"timeout": TIMEOUT_SECONDS}}], indirect=True)
def test_f12_a_stopping_worker_claims_nothing_and_ends_within_its_grace(production):
    """Those under way for less than the grace are recorded; those beyond it go back as if never tried."""
    due_at = now_us() + 2 * SECOND
    production.order([*spread(STALLED, due_at, 0, "/stall"), *spread(STALLED, due_at, 0, "/slow/1.5")])
    production.order(list(spread(200, due_at, 8)))
    production.await_arrivals(2 * STALLED + 20, 60)
    signalled_at, status = now_us(), production.product.processes["worker"].stop(TIMEOUT_SECONDS - 5)
    ended_at = now_us()
    last_claim_at = production.product.sql("SELECT max(attempted_at) FROM job")[0][0]
    counts = dict(production.product.sql("SELECT state, count(*) FROM job WHERE attempt = 0 GROUP BY state"))
    waiting = production.product.sql("SELECT count(*) FROM job WHERE state <> 'completed'")[0][0]
    production.product.launch("worker")
    wait_until(lambda: production.receiver.release() or production.client.settled(), 60, "the rest")
    wait_until(lambda: production.receiver.release() == 0 and production.client.settled(), 60, "every job", 0.2)
    history = production.settle(60)
    stop_ms, last_claim_ms = (ended_at - signalled_at) // 1000, (last_claim_at - signalled_at) // 1000

    note("F12 stopped once", history, stop_ms=stop_ms, last_claim_ms=last_claim_ms, put_back=waiting)

    assert status == 0
    assert ended_at - last_claim_at > GRACE_SECONDS * SECOND // 2  # it waits for the stalled ones that long
    assert counts.get("available", 0) >= STALLED
    assert checker.check(history, allowed_duplicates=STALLED) == []
    assert extra(history) == STALLED


@only_full
@pytest.mark.alone
def test_f12_a_second_sigterm_ends_at_once_and_loses_nothing(production):
    production.order([*spread(STALLED, now_us() + SECOND, 0, "/slow/1.5"), *spread(60, now_us() + SECOND, 3)])
    production.await_arrivals(STALLED, 60)
    worker, ticker = production.product.processes["worker"], production.product.ticker()
    senders = production.product.senders(production.receiver.port)
    worker.tell_to_stop()
    wait_until(lambda: not command_of(ticker), 60, "the ticker to follow the first signal")
    again_at = now_us()
    worker._popen.terminate()
    wait_until(lambda: not any(map(command_of, senders)), 60, "the end of all that send")
    cut_us = now_us() - again_at
    wait_until(lambda: worker.ended, 60, "the end of the worker")
    took_us = now_us() - again_at
    worker.kill()
    production.product.launch("worker")
    history = production.settle(60)

    note("F12 stopped twice", history, cut_ms=cut_us // 1000, end_ms=took_us // 1000)

    assert cut_us <= SECOND
    assert took_us <= 3 * SECOND  # Dramatiq's command line looks once a second whether its processes have ended
    assert checker.check(history, allowed_duplicates=STALLED + 2) == []


@only_full
def test_f12_a_worker_stopped_while_it_starts_loses_nothing(production):
    """A worker told to stop while it starts ends and loses nothing."""
    chance, statuses = seeded("boot"), []
    assert production.product.processes.pop("worker").stop(40) == 0

    production.order(list(spread(60, now_us() + SECOND, 10)))
    for _ in range(4):
        production.product.launch("worker")
        time.sleep(chance.uniform(0, 2))
        statuses.append(production.product.processes.pop("worker").stop(10))
    production.product.launch("worker")
    history = production.settle(60)
    note("F12 stopped at boot", history, statuses=statuses)
    assert None not in statuses
    assert checker.check(history) == []
