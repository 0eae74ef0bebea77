"""F25: the programs that Booper lives with are killed and started again under a load of jobs with a limit: PgBouncer,
and nginx, HAProxy and Caddy as docs/proxies.md configures them. Clients repeat what was not answered."""

import psycopg
import pytest

from models.database import postgres
from models.database.postgres import OF_REQUESTS, OF_WORK
from tests.support.faults.asking import Load, PatientClient
from tests.support.faults.faulty_product import FIELDS, FaultyProduction
from tests.support.faults.pooler import Pooler
from tests.support.faults.proxies import PROXIES, PageProxy
from tests.support.faults.report import note
from tests.support.faults.two_apis import TwoApis
from tests.support.flow_judge import Run, most_under_way
from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, Journey, spread, under_way
from tests.support.journeys.processes import ReceiverProcess
from tests.support.services import optional

CONCURRENCY, SLOW = 8, "/slow/0.2"
AT_ONCE, JOBS = 60, 250  # the first are due at one instant, more than the limit lets through
LIMITED = FIELDS | {"flow": {"key": "neighbours", "concurrency": CONCURRENCY}}


def history_of(journey, fault):
    """What becomes of the jobs when `fault` happens in their middle."""
    journey.order(list(spread(AT_ONCE, now_us() + 2 * SECOND, 0, SLOW)))
    with Load(journey, rate=100, paths=(SLOW,)) as load:
        load.reaches(JOBS // 2)
        fault()
        load.reaches(JOBS)
    return journey.settle(60)


def judge(name, journey, history):
    """Nothing lost, nothing twice, and never more under way than the flow allows, though more were due."""
    note(name, history, statuses=dict(journey.client.statuses()))
    ended = {(end.nonce, end.attempt): end.at for end in history.ends}
    runs = [Run(each.nonce, each.at, ended.get((each.nonce, each.attempt))) for each in history.arrivals]

    assert {create.outcome for create in history.created} == {"ok"}, "each create is answered in the end"
    assert len(history.arrivals) == len(history.recorded) == len(history.created)
    assert checker.check(history) == []
    assert CONCURRENCY // 2 < most_under_way(runs) <= CONCURRENCY


@pytest.fixture
def behind_pgbouncer(tmp_path, receiver, postgres_url, broker):
    """All the defaults of PgBouncer."""
    with optional(lambda: Pooler(tmp_path, postgres_url)) as pooler:
        product = FaultyProduction(tmp_path, postgres_url, broker, LIMITED, BOOPER_DATABASE_CONNECTIONS="3")
        product.env["BOOPER_DATABASE_URL"] = pooler.url(product.database_url)
        for journey in under_way(product, receiver):
            journey.client = PatientClient(product.port, product.key, receiver.port, LIMITED)
            yield journey, pooler


def test_f25_pgbouncer_killed_under_load_loses_and_repeats_nothing(behind_pgbouncer):
    journey, pooler = behind_pgbouncer
    judge("F25 PgBouncer killed", journey, history_of(journey, pooler.restart))


def limits_of(connection):
    return [connection.execute(f"SHOW {name}").fetchone()[0] for name in ("statement_timeout", "lock_timeout")]


def test_each_session_of_one_connection_of_pgbouncer_has_its_own_limits(tmp_path, postgres_url):
    """Limits are set after connecting, since PgBouncer takes none at the start; it leaves none to the next client."""
    with optional(lambda: Pooler(tmp_path, postgres_url, "default_pool_size = 1")) as pooler:
        url = pooler.url(postgres_url)
        for limits in (OF_REQUESTS, OF_WORK, OF_REQUESTS):
            with postgres.connect(url, limits) as connection:
                assert limits_of(connection) == [limits.statement, limits.lock]
        pooler.restart()
        with postgres.connect(url, OF_WORK) as connection:
            assert limits_of(connection) == [OF_WORK.statement, OF_WORK.lock]
        with psycopg.connect(url) as plain:
            assert limits_of(plain) == ["0", "0"]


@pytest.fixture(scope="module")
def two_apis(tmp_path_factory, postgres_url, broker):
    folder = tmp_path_factory.mktemp("apis")
    with TwoApis(folder, postgres_url, broker, LIMITED, BOOPER_API_PROCESSES="1") as product:
        yield product


@pytest.mark.parametrize("program", PROXIES)
def test_f25_a_proxy_killed_under_load_loses_and_repeats_nothing(program, two_apis, tmp_path):
    key = two_apis.booper("keys", "create", "--account", program)
    with optional(lambda: PageProxy(program, tmp_path, two_apis.ports)) as proxy, ReceiverProcess(tmp_path) as receiver:
        journey = Journey(two_apis, receiver)
        journey.client = proxy.client(key, receiver.port, LIMITED)
        history = history_of(journey, proxy.restart)
    print(two_apis.log())
    judge(f"F25 {program} killed", journey, history)
