"""Owns what every test may ask for: a database (each test on both kinds), an account, a moved clock.

Each test session gets a PostgreSQL database of its own; each test finds it empty. Where the services are missing the
PostgreSQL half is skipped with a reason, but never where CI or BOOPER_TEST_REQUIRE_SERVICES says they must be there.
"""

import gc
from pathlib import Path

import psycopg
import pytest

from models.accounts import account_store
from models.database import schema
from models.database.connection import close_all, open_database
from models.flows import pacing
from models.rules import clock

pytest.register_assert_rewrite("tests.support")

from tests.support.clocks import START, MovedClock  # noqa: E402 - after the line above
from tests.support.databases import own_database  # noqa: E402 - after the line above
from tests.support.kept_connection import close_kept, kept_database  # noqa: E402 - after the line above
from tests.support.kept_file import close_kept_file, kept_file, own_file  # noqa: E402 - after the line above
from tests.support.services import POSTGRES_URL, unavailable  # noqa: E402 - after the line above
from tests.support.traces import traced  # noqa: E402 - after the line above
from workers.ticker import front  # noqa: E402 - after the line above

SEARCHES = (50_000, 20, 50)  # for garbage: with 700, 10, 10 they took a thirtieth of the time
JOURNEYS = [Path(__file__).with_name(name) for name in ("journeys", "faults", "upgrade", "browser")]
# Modules that take from 40 to 130 s. They come first, for one that began late would run on alone at the end.
LONGEST = (
    "journeys/test_production.py",
    "browser/test_dashboard.py",
    "journeys/test_listeners.py",
    "faults/test_tls.py",
    "deploy/test_installed_package.py",
    "faults/test_neighbours.py",
    "journeys/test_stop.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect without looking for garbage, and never look at what was collected: twelve thousand tests last to the
    end, and each search would go through them all. What a test leaves behind is searched for less often than usual."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        gc.set_threshold(*SEARCHES)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what starts the product as processes: `make test` runs those tests last, a few modules side by side, the
    longest first."""
    modules = {item.path for item in items}
    starting = {module for module in modules if any(folder in module.parents for folder in JOURNEYS)}
    for item in items:
        if item.path in starting:
            item.add_marker("journey")
    rank = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path, len(LONGEST)))


@pytest.fixture(scope="session")
def postgres_url():
    """A fresh, migrated PostgreSQL database, dropped at the end."""
    try:
        psycopg.connect(POSTGRES_URL, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        unavailable("PostgreSQL", error)
    with own_database() as url:
        open_database(url)
        schema.migrate()
        close_all()
        yield url
        close_kept()


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory):
    """A fresh, migrated SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    open_database(f"sqlite:///{path}")
    schema.migrate()
    close_all()
    yield path
    close_kept_file()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request):
    """An empty, migrated database; the test runs once on each kind."""
    with request.getfixturevalue(f"on_{request.param}"):
        yield request.param


@pytest.fixture
def on_postgresql(postgres_url):
    return kept_database(postgres_url)


@pytest.fixture
def on_sqlite(request, sqlite_file, tmp_path_factory):
    """A test that asks for its folder has a file of its own in it."""
    if "tmp_path" in request.fixturenames:
        return own_file(sqlite_file, request.getfixturevalue("tmp_path"))
    return kept_file(sqlite_file, tmp_path_factory.mktemp)


@pytest.fixture(autouse=True)
def quick_searches(monkeypatch):
    """A search of an index counts as quick, however long the machine takes for it."""
    monkeypatch.setattr(front, "QUICK_US", 2**62)


@pytest.fixture
def moved_clock(monkeypatch):
    """A clock that stands still at 2026-01-01T09:00:00Z until the test moves it."""
    moved = MovedClock(START)
    monkeypatch.setattr(clock, "source", moved)
    # Else a pause between the database's look at its clock and ours would count as a difference between the two.
    monkeypatch.setattr(pacing, "SAME_US", clock.WEEK)
    return moved


@pytest.fixture
def account(db):
    return account_store.account_named("alice", clock.now())


@pytest.fixture
def spans():
    """A function that returns the spans finished so far."""
    with traced() as finished:
        yield finished
