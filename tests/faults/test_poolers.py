"""F19: PgBouncer between Booper and PostgreSQL, with fewer connections than all processes ask for."""

import pytest

from tests.support.faults.asking import Load
from tests.support.faults.faulty_product import FaultyProduction
from tests.support.faults.pooler import Pooler
from tests.support.faults.report import note
from tests.support.faults.scale import only_full
from tests.support.journeys import checker
from tests.support.journeys.journey import under_way
from tests.support.services import optional

CONNECTIONS = 12  # two API processes of eight threads and two sending processes would like far more
MINUTES = 5
LATE_MS = 1000


@pytest.fixture
def production_behind_pgbouncer(tmp_path, receiver, postgres_url, broker, request):
    """All the defaults of PgBouncer, but for the lines of its file that the test adds."""
    with optional(lambda: Pooler(tmp_path, postgres_url, *request.param)) as pooler:
        product = FaultyProduction(tmp_path, postgres_url, broker, BOOPER_DATABASE_CONNECTIONS="3")
        product.env["BOOPER_DATABASE_URL"] = pooler.url(product.database_url)
        yield from under_way(product, receiver)


@only_full
@pytest.mark.parametrize("production_behind_pgbouncer", [[f"default_pool_size = {CONNECTIONS}"]], indirect=True)
def test_f19_behind_a_small_pool_of_pgbouncer_every_job_is_sent_once(production_behind_pgbouncer):
    journey = production_behind_pgbouncer
    with Load(journey, rate=50) as load:
        load.lasts(3)
    history = journey.settle(60)

    note("F19 small pool", history, statuses=dict(journey.client.statuses()))

    assert set(journey.client.statuses()) == {201}
    assert checker.check(history) == []


@only_full
@pytest.mark.parametrize("production_behind_pgbouncer", [[]], indirect=True)
def test_f19_behind_pgbouncer_no_job_of_five_minutes_is_late(production_behind_pgbouncer):
    journey = production_behind_pgbouncer
    with Load(journey, rate=100) as load:
        load.lasts(60 * MINUTES)
    history = journey.settle(60)

    note(f"F19 {MINUTES} minutes", history, statuses=dict(journey.client.statuses()))

    assert set(journey.client.statuses()) == {201}
    assert checker.check(history) == []
    assert checker.lateness_us(history)["max"] < 1000 * LATE_MS
