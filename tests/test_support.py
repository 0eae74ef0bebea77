"""What the tests' own support must not get wrong."""

import socket

import psycopg
import pytest

from tests.support.databases import RUN, drop_left_behind
from tests.support.journeys import ports
from tests.support.services import POSTGRES_URL

GONE = "booper_test_999999999"  # no session has this number


def test_databases_of_runs_that_are_gone_are_dropped_and_no_others(postgres_url):
    with psycopg.connect(POSTGRES_URL, autocommit=True, application_name=RUN) as session:
        session.execute(f"CREATE DATABASE {GONE}")

        drop_left_behind(session)

        names = {name for (name,) in session.execute("SELECT datname FROM pg_database")}
    assert GONE not in names
    assert postgres_url.rpartition("/")[2] in names


@pytest.fixture
def two_ports(monkeypatch):
    """Lets ports be drawn in an order; gives those that nobody has."""
    locks, order = [], []
    monkeypatch.setattr(ports, "_locks", locks)
    free = [ports.free_port() for _ in range(2)]
    let_go(locks)
    monkeypatch.setattr(ports.random, "randrange", lambda *_: order.pop(0))
    yield free, order
    let_go(locks)


def let_go(locks):
    while locks:
        locks.pop().close()


def test_a_port_is_given_to_one_alone(two_ports):
    (port, other), order = two_ports
    order += [port, port, other]

    assert [ports.free_port(), ports.free_port()] == [port, other]


def test_a_port_at_which_somebody_listens_is_given_to_nobody(two_ports):
    (port, other), order = two_ports
    order += [port, other]

    with socket.create_server(("127.0.0.1", port)):
        assert ports.free_port() == other


def test_no_port_is_one_of_those_that_the_kernel_gives_to_connections():
    with socket.create_server(("127.0.0.1", 0)) as server:
        of_the_kernel = server.getsockname()[1]
    first = int(ports.KERNEL_S_OWN.read_text().split()[0])

    assert ports.free_port() < first <= of_the_kernel
