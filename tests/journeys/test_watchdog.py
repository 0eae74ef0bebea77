"""What systemd hears of each kind of process: that it is ready, and signs of life."""

import pytest

from tests.support.journeys.journey import FEWER_CONNECTIONS
from tests.support.journeys.processes import descendants
from tests.support.journeys.product import Embedded, Production
from tests.support.systemd import ServiceManager

READY, ALIVE = "READY=1", "WATCHDOG=1"


@pytest.fixture
def systemd(tmp_path):
    with ServiceManager(tmp_path, watchdog_s=1) as systemd:
        yield systemd


def test_a_server_that_answers_itself_gives_signs_of_life(tmp_path, systemd):
    with Embedded(tmp_path, **systemd.environment) as product:
        systemd.await_more(ALIVE, times=3)
        assert systemd.count(READY) == 1
        assert product.stop() == {"serve": 0}


@pytest.mark.parametrize("command", ["api", "worker"])
def test_an_api_and_a_worker_give_signs_of_life_and_their_children_none(
    command, tmp_path, systemd, postgres_url, broker
):
    with Production(tmp_path, postgres_url, broker, **FEWER_CONNECTIONS) as product:
        product.stop()
        product.env.update(systemd.environment)
        product.launch(command)
        systemd.await_more(ALIVE, times=3)
        assert systemd.count(READY) == 1
        assert descendants(product.processes[command].pid)
