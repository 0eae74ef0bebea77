"""F2: the ticker is killed, and two tickers work side by side."""

import os
import signal
import time

import pytest

from tests.support.faults.asking import RETRIED, Load
from tests.support.faults.checking import retries_wait
from tests.support.faults.report import note
from tests.support.faults.scale import FULL, PATIENCE, only_full, seeded
from tests.support.journeys import checker
from tests.support.journeys.journey import SECOND

PATHS = ("/ok", "/ok", RETRIED)
KILLS = 3 if FULL else 1
TAKEN_OVER_US = 5 * SECOND  # the standby looks for the lead each second; the lease of what was under way is 3 s


@pytest.mark.alone
def test_f2_a_killed_ticker_delays_jobs_by_its_restart_and_doubles_none(production):
    chance, restarts = seeded("ticker"), []
    with Load(production, paths=PATHS) as load:
        for _ in range(KILLS):
            load.lasts(chance.uniform(1, 4))
            restarts.append(restart_of_the_ticker(production.product))
        load.lasts(3)
    history = production.settle(60)
    limit_us = int(PATIENCE * (max(restarts) + 2) * SECOND)

    note("F2 ticker killed", history, kills=KILLS, restart_max_ms=int(1000 * max(restarts)))

    assert checker.check(history) == []
    assert retries_wait(history) == []
    assert checker.too_late(history, p99_us=limit_us, max_us=limit_us) == []


def restart_of_the_ticker(product):
    """Kill it; how many seconds pass until there is another one."""
    victim = product.ticker()
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    product.ticker(other_than=victim)
    return time.monotonic() - began


@only_full
@pytest.mark.alone
def test_f2_two_tickers_double_no_job_and_the_second_takes_over(production):
    production.product.launch("worker-2")
    with Load(production) as load:
        load.lasts(5)
        first = production.product.processes.pop("worker")
        os.killpg(first.pid, signal.SIGSTOP)
        in_flight = production.product.executing()
        first.kill()
        load.lasts(5)
    history = production.settle(60)

    note("F2 two workers, the first killed", history, in_flight=in_flight)

    assert checker.check(history, allowed_duplicates=in_flight) == []
    assert checker.too_late(history, p99_us=TAKEN_OVER_US, max_us=TAKEN_OVER_US) == []
