"""F5: PostgreSQL restarted, crashed, and without a free connection: all under a steady load."""

import time

import psycopg.conninfo
import pytest

from tests.support.faults.asking import Load, loads
from tests.support.faults.faulty_product import FaultyProduction
from tests.support.faults.report import note
from tests.support.faults.scale import FULL, PATIENCE, only_full
from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, under_way
from tests.support.stalling_proxy import StallingProxy
from tests.support.waiting import wait_until

AWAY_SECONDS = 3
CRASHES = 20
LIMIT_SECONDS = 300
CUT = 1_000  # connections
RECOVERY_US = PATIENCE * 10 * SECOND


def restarted_fast(cluster):
    cluster.stop("fast")
    time.sleep(AWAY_SECONDS)
    cluster.start()


def restarted_after_a_crash(cluster):
    cluster.stop("immediate")
    time.sleep(AWAY_SECONDS)
    cluster.start()


def without_a_backend(cluster):
    cluster.kill_backend()


def exhausted(cluster):
    with cluster.exhausted():
        time.sleep(AWAY_SECONDS)


FAULTS = (restarted_fast, restarted_after_a_crash, without_a_backend, exhausted)


@pytest.mark.alone
@pytest.mark.parametrize("fault", FAULTS if FULL else [restarted_after_a_crash], ids=lambda fault: fault.__name__)
def test_f5_jobs_survive_what_happens_to_postgresql_and_the_api_says_so(production_on_cluster, cluster, fault):
    """A create is answered 201 and kept, or 503 with Retry-After; a process that lives repeats nothing."""
    journey = production_on_cluster
    with Load(journey) as load:
        load.lasts(2)
        fault(cluster)
        back_at = now_us()
        load.lasts(6)
    history = journey.settle(60)
    answers, first_ok_at = journey.client.answers, first_created_after(journey, back_at)
    overdue = overdue_arrivals(history, back_at)
    statuses = dict(journey.client.statuses())
    recovery_ms = {"api_back_ms": (first_ok_at - back_at) // 1000, "jobs_back_ms": max(overdue, default=0) // 1000}

    note(f"F5 PostgreSQL {fault.__name__}", history, statuses=statuses, **recovery_ms)

    assert set(statuses) <= {201, 503}
    assert all(answer.retry_after for answer in answers if answer.status == 503)
    assert checker.check(history) == []
    assert first_ok_at - back_at <= RECOVERY_US
    assert max(overdue, default=0) <= RECOVERY_US


def first_created_after(journey, at):
    return min(answer.at for answer in journey.client.answers if answer.status == 201 and answer.at >= at)


def overdue_arrivals(history, back_at):
    """How long after the database was back the jobs arrived that had been due before."""
    due = {create.nonce: create.due_at for create in history.created}
    return [a.at - back_at for a in history.arrivals if due[a.nonce] <= back_at < a.at]


@only_full
@pytest.mark.alone
def test_f5_twenty_crashes_delay_jobs_by_the_outage_and_lose_none(production_on_cluster, cluster):
    journey, outages = production_on_cluster, []
    with loads(journey, rate=150, ahead_seconds=5) as load:
        load.lasts(5)
        for _ in range(CRASHES):
            began = now_us()
            cluster.stop("immediate")
            cluster.start()
            outages.append((began, now_us()))
            load.lasts(4)
    history = journey.settle(60)
    lost = journey.product.sql("SELECT count(*) FROM attempt WHERE outcome = 'lost'")[0][0]
    late_ms = max(later_than_the_outage(history, outages), default=0) // 1000

    note(f"F5 {CRASHES} crashes", history, statuses=dict(journey.client.statuses()), lost=lost, beyond_ms=late_ms)

    assert set(journey.client.statuses()) <= {201, 503}
    assert checker.check(history) == []
    assert lost == 0
    assert late_ms * 1000 <= RECOVERY_US


def later_than_the_outage(history, outages):
    """How long after the end of an outage those jobs arrived that were due before it ended."""
    due = {create.nonce: create.due_at for create in history.created}
    return [a.at - back_at for a in history.arrivals for began, back_at in outages if began <= due[a.nonce] <= back_at]


@pytest.fixture
def proxy(cluster):
    with StallingProxy(int(psycopg.conninfo.conninfo_to_dict(cluster.url)["port"])) as proxy:
        yield proxy


@pytest.fixture
def production_through_proxy(tmp_path, receiver, cluster, broker, proxy):
    product = FaultyProduction(tmp_path, cluster.url, broker)
    product.env["BOOPER_DATABASE_URL"] = proxy.url(product.database_url)
    yield from under_way(product, receiver)


@only_full
@pytest.mark.alone
def test_f5_connections_cut_at_commit_lose_and_repeat_nothing(production_through_proxy, proxy):
    """PostgreSQL gets each of these COMMITs, and nobody gets its answer."""
    journey = production_through_proxy
    with loads(journey, rate=150, ahead_seconds=1) as load:
        load.lasts(2)
        proxy.cut_at(b"COMMIT", one_in=5)
        wait_until(lambda: proxy.cuts >= CUT, LIMIT_SECONDS, f"{CUT} cuts", 0.2)
        proxy.cut_at(b"", one_in=1)
        load.lasts(3)
    history = journey.settle(120)
    lost = journey.product.sql("SELECT count(*) FROM attempt WHERE outcome = 'lost'")[0][0]

    note(f"F5 {proxy.cuts} cut at COMMIT", history, statuses=dict(journey.client.statuses()), lost=lost)

    assert set(journey.client.statuses()) <= {201, 503}
    assert checker.check(history) == []
    assert lost == 0
    assert checker.lateness_us(history)["max"] <= RECOVERY_US
