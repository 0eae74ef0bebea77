"""What the faults start from: the receiver and the services of the journeys, and some that may be broken."""

import pytest

from tests.journeys.conftest import broker, postgres_url, receiver
from tests.support.faults import report
from tests.support.faults.cluster import Cluster
from tests.support.faults.faulty_product import FaultyEmbedded, FaultyProduction
from tests.support.faults.node import FragileNode
from tests.support.faults.scale import FULL, SEED
from tests.support.journeys.journey import under_way
from tests.support.services import unavailable

__all__ = ["broker", "postgres_url", "receiver"]


@pytest.fixture
def production(tmp_path, receiver, postgres_url, broker, request):
    """Production mode; a test adds settings and `fields` by an indirect parameter."""
    yield from under_way(FaultyProduction(tmp_path, postgres_url, broker, **getattr(request, "param", {})), receiver)


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """A RabbitMQ of our own, for one module."""
    try:
        private = FragileNode(tmp_path_factory.mktemp("node"))
    except OSError as error:
        unavailable("a RabbitMQ node of our own", error)
    with private:
        yield private


@pytest.fixture
def production_on_node(tmp_path, receiver, postgres_url, node):
    yield from under_way(FaultyProduction(tmp_path, postgres_url, node.broker), receiver)


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL of our own, for one module."""
    try:
        private = Cluster()
    except OSError as error:
        unavailable("a PostgreSQL cluster of our own", error)
    with private:
        yield private


@pytest.fixture
def production_on_cluster(tmp_path, receiver, cluster, broker):
    yield from under_way(FaultyProduction(tmp_path, cluster.url, broker), receiver)


@pytest.fixture
def embedded(tmp_path, receiver):
    yield from under_way(FaultyEmbedded(tmp_path), receiver)


def pytest_report_header():
    return f"faults: BOOPER_TEST_SEED={SEED}"


def pytest_terminal_summary(terminalreporter):
    """The figures, where somebody asked for all faults."""
    if FULL and report.lines:
        terminalreporter.section(f"faults, BOOPER_TEST_SEED={SEED}")
        terminalreporter.write_line("\n".join(report.lines))
