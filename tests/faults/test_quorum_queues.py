"""F23: RabbitMQ with quorum queues is killed and started again."""

import pytest

from tests.support.faults.asking import Load
from tests.support.faults.faulty_product import FaultyProduction
from tests.support.faults.report import note
from tests.support.journeys import checker
from tests.support.journeys.journey import under_way


@pytest.fixture
def production_on_quorum(tmp_path, receiver, postgres_url, node):
    product = FaultyProduction(
        tmp_path, postgres_url, node.broker, BOOPER_QUEUE_TYPE="quorum", BOOPER_LEASE_MARGIN_SECONDS="10"
    )
    yield from under_way(product, receiver)


def test_f23_quorum_queues_that_come_back_lose_no_job(production_on_quorum, node):
    journey = production_on_quorum
    with Load(journey, rate=50) as load:
        load.lasts(2)
        node.kill()
        load.lasts(2)
        node.start()
        load.lasts(2)
    history = journey.settle(120)

    kinds = node.broker.control("list_queues", "--quiet", "name", "type")
    note("F23 quorum queues", history, statuses=dict(journey.client.statuses()))

    assert kinds.count("quorum") == 3
    assert set(journey.client.statuses()) == {201}
    assert checker.check(history) == []
