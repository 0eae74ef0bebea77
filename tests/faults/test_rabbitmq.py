"""F4: RabbitMQ stopped, killed, emptied, its queues deleted, its connections closed: all under a steady load."""

import time

import pytest

from tests.support.faults.asking import RETRIED, Load
from tests.support.faults.checking import retries_wait
from tests.support.faults.rabbitmq_faults import FAULTS
from tests.support.faults.report import note
from tests.support.faults.scale import only_full
from tests.support.journeys import checker
from tests.support.journeys.journey import SECOND

PATHS = ("/ok", "/ok", RETRIED)
SWEEP_SECONDS = 30


@only_full
@pytest.mark.alone
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_f4_jobs_survive_what_happens_to_rabbitmq_and_the_api_goes_on(production_on_node, node, fault):
    """No process of Booper dies of it, so no job is performed twice."""
    journey = production_on_node
    with Load(journey, paths=PATHS) as load:
        load.lasts(2)
        began = time.monotonic()
        fault(node, journey.product)
        lasted = time.monotonic() - began
        load.lasts(4)
    history = journey.settle(60)
    note(f"F4 RabbitMQ {fault.__name__}", history, fault_ms=int(1000 * lasted))
    assert set(journey.client.statuses()) == {201}
    assert checker.check(history) == []
    assert retries_wait(history) == []

    late = int((lasted + SWEEP_SECONDS) * SECOND)
    assert checker.too_late(history, p99_us=late, max_us=late) == []
