"""F20: services that are reachable and silent. F21: one of two APIs behind nginx restarted under load."""

import contextlib
import shutil

import psycopg.conninfo
import pytest

from tests.support.faults.asking import FaultClient, Load
from tests.support.faults.faulty_product import FaultyProduction
from tests.support.faults.nginx import Nginx
from tests.support.faults.report import note
from tests.support.faults.scale import FULL, only_full
from tests.support.journeys import checker
from tests.support.journeys.journey import under_way
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.journeys.product import BOOPER, status_of
from tests.support.services import optional
from tests.support.stalling_proxy import StallingProxy
from tests.support.waiting import wait_until

SILENT_SECONDS = 25 if FULL else 2
FIELDS = {"timeout": 60, "backoff": {"fixed": 1}}  # longer than the silence: what was under way is recorded afterwards
RESTARTS = 6 if FULL else 2


@pytest.fixture
def proxy(postgres_url):
    with StallingProxy(int(psycopg.conninfo.conninfo_to_dict(postgres_url).get("port", 5432))) as proxy:
        yield proxy


@pytest.fixture
def production_through_proxy(tmp_path, receiver, postgres_url, broker, proxy):
    product = FaultyProduction(tmp_path, postgres_url, broker, fields=FIELDS)
    product.env["BOOPER_DATABASE_URL"] = proxy.url(product.database_url)
    yield from under_way(product, receiver)


@only_full  # with two seconds of silence it failed once in four runs, after the silence
def test_f20_while_the_database_is_silent_creates_get_503_and_signs_of_life_are_seen(production_through_proxy, proxy):
    journey = production_through_proxy
    with Load(journey, rate=15) as load:
        load.lasts(1)
        with proxy.silent():
            wait_until(lambda: journey.client.statuses()[503] > 0, 60, "a create to be answered with 503", 0.2)
            assert status_of(journey.product.port, "/healthz") == 200
            assert status_of(journey.product.port, "/api/ping") == 200
            assert status_of(journey.product.port, "/readyz") == 503
            load.lasts(SILENT_SECONDS)
        load.lasts(3)
    wait_until(lambda: ready(journey.product.port), 60, "an API that is ready again", 0.2)
    history = journey.settle(60)

    note("F20 PostgreSQL silent", history, statuses=dict(journey.client.statuses()))

    assert set(journey.client.statuses()) == {201, 503}
    assert all(answer.retry_after for answer in journey.client.answers if answer.status == 503)
    assert checker.check(history) == []


class TwoApis(FaultyProduction):
    """Two APIs behind nginx, whose port is the product's."""

    def prepare(self) -> None:
        super().prepare()
        self.ports = [free_port(), free_port()]

    def start(self) -> None:
        for number in range(2):
            self.start_api(number)
        self.launch("worker")
        for port in self.ports:
            wait_until(lambda port=port: ready(port), 60, "an API to be ready", 0.2)

    def start_api(self, number: int) -> None:
        env = self.env | {"PORT": str(self.ports[number])}
        self.processes[f"api-{number}"] = Running(f"api-{number}", [BOOPER, "api"], env, self.folder)


def ready(port):
    with contextlib.suppress(OSError):
        return status_of(port, "/readyz") == 200
    return False


@pytest.fixture
def behind_nginx(tmp_path, receiver, postgres_url, broker):
    if not shutil.which("nginx", path="/usr/sbin:/usr/bin"):
        pytest.skip("nginx is not installed")
    product = TwoApis(tmp_path, postgres_url, broker)
    for journey in under_way(product, receiver):
        with optional(lambda: Nginx(tmp_path, product.ports)) as nginx:
            journey.client = FaultClient(nginx.port, product.key, receiver.port, product.fields)
            yield journey


@only_full
def test_f21_a_restart_behind_nginx_loses_no_request(behind_nginx):
    journey = behind_nginx
    with Load(journey, rate=130) as load:
        for number in range(RESTARTS):
            load.lasts(1)
            name = f"api-{number % 2}"
            assert journey.product.processes[name].stop(40) == 0
            journey.product.start_api(number % 2)
            wait_until(lambda number=number: ready(journey.product.ports[number % 2]), 60, "the API to be back", 0.2)
        load.lasts(1)
    history = journey.settle(60)

    note("F21 API restarted behind nginx", history, statuses=dict(journey.client.statuses()))

    assert set(journey.client.statuses()) == {201}
    assert checker.check(history) == []
