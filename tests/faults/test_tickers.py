"""F2: the ticker is killed, and two tickers work side by side."""

import os
import signal
import time

import pytest

from tests.journeys import checker
from tests.journeys.journey import SECOND

from .asking import Load
from .report import note
from .scale import FULL, only_full, seeded

pytestmark = pytest.mark.journey
KILLS = 4 if FULL else 1
TAKES_OVER_US = 4 * SECOND


def test_f2_a_killed_ticker_delays_jobs_by_its_restart_and_doubles_none(production):
    chance, restarts = seeded("ticker"), []
    with Load(production) as load:
        for _ in range(KILLS):
            load.lasts(chance.uniform(1, 6) if FULL else chance.uniform(1, 3))
            restarts.append(restart_of_the_ticker(production.product))
        load.lasts(3)
    history = production.settle(30)
    note("F2 ticker killed", history, kills=KILLS, restart_max_ms=int(1000 * max(restarts)))
    assert checker.check(history) == []
    assert checker.too_late(history, p99_us=30 * SECOND, max_us=int((max(restarts) + 2) * SECOND)) == []


def restart_of_the_ticker(product):
    """Kill it; how many seconds pass until there is another one."""
    victim = product.ticker()
    os.kill(victim, signal.SIGKILL)
    began = time.monotonic()
    product.ticker(other_than=victim)
    return time.monotonic() - began


@only_full
def test_f2_two_tickers_double_no_job_and_the_second_takes_over(production):
    production.product.launch("worker-2")
    with Load(production) as load:
        load.lasts(5)
        production.product.processes.pop("worker").kill()
        load.lasts(5)
    history = production.settle(30)
    note("F2 two workers, the first killed", history)
    assert checker.check(history, allowed_duplicates=2) == []
    assert checker.too_late(history, p99_us=30 * SECOND, max_us=20 * SECOND) == []
