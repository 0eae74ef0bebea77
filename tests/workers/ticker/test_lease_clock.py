"""Leases where the clocks of hosts differ: they end by the clock of the database."""

import pytest
from peewee import OperationalError

from models.database import host_clock
from models.database.host_clock import HostClock
from models.jobs import lifecycle
from models.rules import clock
from runtime.settings import load
from tests.support.rows import make_job, reread
from workers.delivery.delivery import Delivery
from workers.ticker.lease_clock import LeaseClock
from workers.ticker.rescuer import rescue_lost

postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)
S = clock.SECOND


@pytest.fixture
def host(moved_clock, monkeypatch):
    """A host whose clock differs from the database's: `host.ahead` seconds. The moved clock is the database's."""

    class Host:
        ahead = 0.0

        def now(self):
            return moved_clock.now + int(self.ahead * S)

    made = Host()
    monkeypatch.setattr(host_clock, "database_clock", lambda: moved_clock.now)
    monkeypatch.setattr(clock, "source", made.now)
    monkeypatch.setattr(clock, "wall_clock", made.now)
    return made


def rescue_by_a_ticker():
    return rescue_lost(*LeaseClock().read())


@postgres
@pytest.mark.parametrize("ahead", [20, -20])
def test_c11_a_ticker_whose_clock_differs_takes_jobs_for_lost_when_their_leases_have_ended(
    account, moved_clock, host, ahead
):
    """Its clock was 20 s ahead: requests of 8 s were sent two or three times, and discarded as crashed."""
    job = make_job(account, timeout_ms=8000)
    lifecycle.claim([job.id], clock.now(), 10 * S)
    host.ahead = ahead

    moved_clock.advance(seconds=17.9)
    assert rescue_by_a_ticker() == 0
    moved_clock.advance(seconds=0.1)
    assert rescue_by_a_ticker() == 1


@postgres
@pytest.mark.parametrize("ahead", [20, -20])
def test_c11_a_worker_whose_clock_differs_gives_leases_by_the_database_s_clock(account, moved_clock, host, ahead):
    """Behind by more than the margin, its jobs were taken for lost while it sent them."""
    delivery = Delivery(load({"BOOPER_LEASE_MARGIN_SECONDS": "10"}))
    host.ahead = ahead
    job = make_job(account, timeout_ms=8000)
    delivery._look_at_database()

    [claim] = delivery._claim_all([lifecycle.ref_of(job.id, account.id, job.host, job.kind)])

    assert reread(job).lease_until == moved_clock.now + 18 * S
    assert claim.attempted_at == host.now()


@postgres
def test_a_clock_that_is_set_forward_is_compared_at_once(account, moved_clock, host):
    leases = LeaseClock()
    leases.read()
    host.ahead = 30

    assert leases.read() == (host.now(), moved_clock.now)


@postgres
def test_c11_the_clocks_are_compared_once_a_minute_and_a_difference_is_told(account, host, caplog):
    seconds = iter([0.0, 0.0, 59.9, 60.0, 60.0, 120.0, 120.0])
    compared = HostClock(lambda: next(seconds))
    caplog.set_level("INFO", "booper.clock")

    differences = []
    for ahead in (-1.5, 3, 3, 0):
        host.ahead = ahead
        differences.append(compared.compare())

    assert differences == [-1.5 * S, -1.5 * S, 3 * S, 0]
    texts = [record.getMessage() for record in caplog.records]
    assert [text[:45] for text in texts] == [
        "this host's clock is 1.5 s behind the databas",
        "this host's clock is 3.0 s ahead of the datab",
        "this host's clock agrees with the database's ",
    ]


@postgres
def test_clocks_that_could_not_be_compared_are_compared_at_the_next_call(db, monkeypatch):
    """A worker that began while the database was away counted its leases by a wrong clock for a minute."""
    answers = iter([OperationalError("gone"), 3 * S])

    def measured():
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    monkeypatch.setattr(host_clock, "measure", measured)
    compared = HostClock(lambda: 1.0)

    with pytest.raises(OperationalError):
        compared.compare()

    assert compared.compare() == 3 * S


@postgres
def test_a_difference_shorter_than_the_question_takes_is_none(db, monkeypatch):
    instants = iter([100, 200] * 3)
    monkeypatch.setattr(clock, "wall_clock", lambda: next(instants))
    reads = iter([100, 200, 90])
    monkeypatch.setattr(host_clock, "database_clock", lambda: next(reads))

    assert [host_clock.measure() for _ in range(3)] == [0, 0, 10]


@postgres
def test_the_clock_of_the_database_is_read_in_microseconds(db):
    assert abs(host_clock.database_clock() - clock.wall_clock()) < clock.HOUR


def test_on_sqlite_there_is_one_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(host_clock, "dialect", lambda: "sqlite")
    assert HostClock().compare(at_once=True) == 0
