"""Limits of flows over two hosts whose clocks are apart, two tickers that lead, and messages that come again.

One worker's clock is 200 ms ahead of the database's and the other's 200 ms behind. The ticker that leads stands still
until the other has taken the lead, and goes on. RabbitMQ cuts off its consumers and delivers again what they held. At
the end a worker is killed. The receiver's own ledger decides.
"""

import os
import signal
import subprocess
import sys
from collections import defaultdict

import pytest

from tests.support.clocks import clock_ahead
from tests.support.flow_judge import Promise, broken_promises, fullest_window, most_under_way
from tests.support.journeys.flow_runs import runs_by_job
from tests.support.journeys.journey import FEWER_CONNECTIONS, SECOND, under_way
from tests.support.journeys.processes import Running, connected_to, descendants
from tests.support.journeys.product import BOOPER, Production
from tests.support.waiting import wait_until

APART_MS = 200
LIMITS = [{"rate": 6, "per": "1s"}, {"rate": 3, "per": "1s"}, {"rate": 8, "per": "1s", "concurrency": 2}]
LIMITS += [{"concurrency": 2}]
FLOWS, JOBS_OF_FLOW = 8, 60
JOBS = FLOWS * JOBS_OF_FLOW
TOLERANCE_US = 50_000  # how much closer together two requests may arrive than they were let go
LIMIT_SECONDS = 120
SETTINGS = {"BOOPER_LEASE_MARGIN_SECONDS": "1", "BOOPER_BREAKER_FAILURES": "0"}


class HostsApart(Production):
    """Two workers on hosts whose clocks are apart; that of the database is between them."""

    def start(self):
        self.launch("api")
        self.launch_worker("worker", APART_MS)
        self.await_ready()  # its ticker leads by now
        self.launch_worker("second", -APART_MS)

    def launch_worker(self, name, ahead_ms):
        self.processes[name] = Running(name, [BOOPER, "worker"], self.env | clock_ahead(ahead_ms), self.folder)

    def senders(self, name, port):
        return connected_to(port, descendants(self.processes[name].pid))

    def leader_s_session(self):
        """The session that holds the lock of the lead; None: nobody leads."""
        rows = self.sql(
            "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted "
            "AND application_name = 'booper ticker' AND datname = current_database()"
        )
        return rows[0][0] if rows else None


@pytest.fixture
def journey(tmp_path, receiver, postgres_url, node):
    yield from under_way(HostsApart(tmp_path, postgres_url, node.broker, **FEWER_CONNECTIONS, **SETTINGS), receiver)


def limits_of(flow):
    return LIMITS[flow % len(LIMITS)]


def order(receiver, number):
    flow = number % FLOWS
    path = "/slow/0.1" if "concurrency" in limits_of(flow) else "/ok"
    fields = {"url": receiver.url(path), "method": "post", "headers": {"X-Nonce": str(number)}}
    return fields | {"timeout": 1, "backoff": {"fixed": 1}, "flow": {"key": f"flow-{flow}", **limits_of(flow)}}


def another_leads_than(product, session):
    return product.leader_s_session() not in (session, None)


def test_a_clock_that_is_set_apart_is_apart():
    code = "import time; print(time.time_ns() - time.clock_gettime_ns(time.CLOCK_REALTIME))"
    env = os.environ | clock_ahead(APART_MS)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True, timeout=60)
    assert abs(int(done.stdout) // 1_000_000 - APART_MS) < APART_MS / 2


@pytest.mark.alone
def test_limits_hold_with_clocks_apart_a_second_leader_and_repeated_messages(journey, receiver, node):
    product = journey.product
    orders = [order(receiver, number) for number in range(JOBS)]
    status, answer = journey.client.ask("POST", "/api/jobs/batch", {"jobs": orders})
    assert (status, [item for item in answer["data"] if "error" in item]) == (201, [])
    for name in ("worker", "second"):
        wait_until(lambda name=name: product.senders(name, receiver.port), LIMIT_SECONDS, f"requests of {name}")

    journey.await_arrivals(JOBS // 6, LIMIT_SECONDS)
    first, session = product.ticker("worker"), product.leader_s_session()
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: another_leads_than(product, session), LIMIT_SECONDS, "another leader")
    os.kill(first, signal.SIGCONT)
    journey.await_arrivals(JOBS // 3, LIMIT_SECONDS)
    node.broker.control("close_all_connections", "by the operator")
    journey.await_arrivals(JOBS // 2, LIMIT_SECONDS)
    product.processes["second"].kill()
    product.launch_worker("second", -APART_MS)
    wait_until(lambda: unfinished(product) == 0, LIMIT_SECONDS, "every job to be final", pause_seconds=0.2)
    runs = runs_by_job(*receiver.stopped_ledger())

    assert product.sql("SELECT state, count(*) FROM job GROUP BY state") == [("completed", JOBS)]
    assert runs.keys() == set(range(JOBS))
    assert broken_limits(runs) == []


def unfinished(product):
    return product.sql("SELECT count(*) FROM job WHERE state NOT IN ('completed', 'discarded', 'cancelled')")[0][0]


def broken_limits(runs):
    by_flow = defaultdict(list)
    for number, of_job in runs.items():
        by_flow[number % FLOWS] += of_job
    broken = []
    for flow, of_flow in sorted(by_flow.items()):
        limits = limits_of(flow)
        rate = limits.get("rate")
        promise = Promise(0, rate, SECOND if rate else None, limits.get("concurrency"))
        broken += broken_promises(str(flow), of_flow, [promise], TOLERANCE_US)
        fullest = fullest_window([run.began_at for run in of_flow], SECOND)
        print(f"flow {flow}, {limits}: {fullest} in the fullest window, {most_under_way(of_flow)} under way")
    return broken
