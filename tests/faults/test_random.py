"""Every fault of the production mode in a random order under a steady load, for BOOPER_TEST_MINUTES minutes.

The database is reached by way of PgBouncer, and of a proxy that falls silent.
"""

import os
import signal
import time
from typing import NamedTuple

import pytest

from tests.support.faults import rabbitmq_faults
from tests.support.faults.asking import RETRIED, Load
from tests.support.faults.checking import retries_wait
from tests.support.faults.faulty_product import LEASE_SECONDS, FaultyProduction
from tests.support.faults.pooler import Pooler
from tests.support.faults.report import lines, note
from tests.support.faults.scale import MINUTES, seeded
from tests.support.journeys import checker
from tests.support.journeys.journey import under_way
from tests.support.services import optional
from tests.support.stalling_proxy import StallingProxy
from tests.support.waiting import wait_until

POOL = 60  # connections, enough for all processes


class Breaker:
    """Breaks one thing at a time. `allowed`: requests that were under way at a kill or a freeze."""

    def __init__(self, journey, node, cluster, way, chance):
        self.journey, self.product, self.node, self.cluster = journey, journey.product, node, cluster
        self.way = way
        self.chance = chance
        self.allowed = 0
        self.faults = [
            self.kill_a_sender,
            self.kill_the_ticker,
            self.freeze_a_sender,
            self.stop_the_worker,
            *(lambda fault=fault: fault(node, self.product) for fault in rabbitmq_faults.FAULTS),
            lambda: rabbitmq_faults.blocked(node, self.product),
            self.restart_postgresql,
            self.cluster.kill_backend,
            self.way.pooler.restart,
            self.silence_the_database,
        ]

    def break_something(self):
        """One fault; its number, for the log of faults."""
        number = self.chance.randrange(len(self.faults))
        self.faults[number]()
        return number

    def kill_a_sender(self):
        victim = self.chance.choice(self.product.senders(self.journey.receiver.port))
        self.allowed += self.product.freeze(victim)
        os.kill(victim, signal.SIGKILL)

    def kill_the_ticker(self):
        os.kill(self.product.ticker(), signal.SIGKILL)

    def freeze_a_sender(self):
        victim = self.chance.choice(self.product.senders(self.journey.receiver.port))
        self.allowed += self.product.freeze(victim)
        time.sleep(LEASE_SECONDS + 2)
        os.kill(victim, signal.SIGCONT)

    def stop_the_worker(self):
        assert self.product.processes.pop("worker").stop(40) is not None
        self.product.launch("worker")

    def restart_postgresql(self):
        self.cluster.stop(self.chance.choice(["fast", "immediate"]))
        time.sleep(self.chance.uniform(0, 3))
        self.cluster.start()

    def silence_the_database(self):
        """For longer than a lease at times: what was under way may come again."""
        with self.way.proxy.silent():
            self.allowed += self.product.executing()
            time.sleep(self.chance.uniform(1, 2 * LEASE_SECONDS))


class Way(NamedTuple):
    """What lies between Booper and PostgreSQL."""

    pooler: Pooler
    proxy: StallingProxy


@pytest.fixture
def way(tmp_path, cluster):
    with (
        optional(lambda: Pooler(tmp_path, cluster.url, f"default_pool_size = {POOL}")) as pooler,
        StallingProxy(pooler.port) as proxy,
    ):
        yield Way(pooler, proxy)


@pytest.fixture
def breakable(tmp_path, receiver, cluster, node, way):
    product = FaultyProduction(tmp_path, cluster.url, node.broker)
    product.env["BOOPER_DATABASE_URL"] = way.proxy.url(product.database_url)
    yield from under_way(product, receiver)


@pytest.mark.skipif(not MINUTES, reason="only with BOOPER_TEST_MINUTES=n")
def test_f18_random_faults_one_after_another_lose_nothing(breakable, node, cluster, way):
    chance, made = seeded("random"), []
    breaker = Breaker(breakable, node, cluster, way, chance)
    end = time.monotonic() + 60 * MINUTES
    with Load(breakable, rate=15, paths=("/ok", "/slow/0.5", RETRIED)) as load:
        while time.monotonic() < end:
            load.lasts(chance.uniform(3, 8))
            made.append(breaker.break_something())
            wait_until(lambda: sends_again(breakable), 60, f"requests to arrive after fault {made[-1]}", 0.1)
    history = breakable.settle(180)
    lines.append(f"F18 faults in their order: {made}")

    note("F18 random faults", history, allowed=breaker.allowed, statuses=dict(breakable.client.statuses()))

    assert set(breakable.client.statuses()) <= {201, 503}
    assert checker.check(history, allowed_duplicates=breaker.allowed) == []
    assert retries_wait(history) == []


def sends_again(journey):
    """Whether requests arrive within a second."""
    before = journey.receiver.arrived()
    time.sleep(1)
    return journey.receiver.arrived() > before
