"""What is found in a real PostgreSQL, sound and broken, away and silent."""

import contextlib
from functools import partial

import psycopg
import pytest

from booper.doctor import database_checks, process_checks
from booper.doctor.finding import ERROR, NOTE, OK, WARNING, Check
from booper.doctor.running_checks import run_checks
from models.database import schema
from models.database.connection import close_all, open_database
from models.operations import database_figures, heartbeats, ticker_row
from models.operations.heartbeats import WorkerRow
from models.rules import clock
from runtime.settings import load
from runtime.version import __version__
from tests.support.databases import empty_tables
from tests.support.stalling_proxy import StallingProxy

LIMIT_S = 60


@pytest.fixture
def postgres(postgres_url):
    open_database(postgres_url)
    empty_tables()
    yield postgres_url
    close_all()


def settings_of(url, **environ):
    return load({"BOOPER_BROKER_URL": "amqp://broker", "BOOPER_DATABASE_URL": url} | environ)


def findings_of(url, **environ):
    check = Check("database", partial(database_checks.check_postgres, settings_of(url, **environ)), "look")
    return run_checks([check], LIMIT_S)


def bad(findings):
    return [(finding.level, finding.text) for finding in findings if finding.level in (WARNING, ERROR)]


def test_a_sound_database_has_nothing_to_complain_of(postgres):
    findings = findings_of(postgres)
    assert [text for _, text in bad(findings) if "connections" not in text] == []
    assert "PostgreSQL" in findings[0].text


@contextlib.contextmanager
def open_transaction(url):
    with contextlib.closing(psycopg.connect(url)) as session:
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute("SELECT 1")
        yield session.info.backend_pid


def test_an_old_transaction_is_named_with_the_way_to_end_it(postgres, monkeypatch):
    monkeypatch.setattr(database_figures, "OLD_S", -1)
    with open_transaction(postgres) as pid:
        warnings = [finding for finding in findings_of(postgres) if f"session {pid} " in finding.text]

    assert [finding.level for finding in warnings] == [WARNING]
    assert f"pg_terminate_backend({pid})" in warnings[0].advice


def test_a_young_transaction_is_not_named(postgres):
    with open_transaction(postgres) as pid:
        assert not [finding for finding in findings_of(postgres) if f"session {pid} " in finding.text]


@pytest.mark.parametrize(("dead", "complains"), [(20_000, True), (9_000, False)])
def test_many_dead_rows_are_found(postgres, monkeypatch, dead, complains):
    assert database_figures.bloat().total_bytes > 0
    monkeypatch.setattr(database_figures, "bloat", lambda: database_figures.Bloat(10_000, dead, 1 << 30))
    said = f"has {dead} dead rows beside 10000 live ones (1024 MiB)"
    assert any(said in text for _, text in bad(findings_of(postgres))) is complains


@pytest.mark.parametrize(
    ("used", "allowed", "environ", "complaint"),
    [
        (10, 100, {}, None),
        (80, 100, {}, None),
        (81, 100, {}, "81 of 100 connections are in use"),
        (10, 433, {"BOOPER_WORKER_PROCESSES": "20"}, "may want 434 connections, and the server allows 433"),
        (10, 434, {"BOOPER_WORKER_PROCESSES": "20"}, None),
        (10, 100, {"BOOPER_WORKER_PROCESSES": "20", "BOOPER_DATABASE_CONNECTIONS": "3"}, None),
    ],
)
def test_connections_that_are_too_few_are_found(postgres, monkeypatch, used, allowed, environ, complaint):
    monkeypatch.setattr(database_figures, "connections", lambda: database_figures.Connections(used, allowed))
    texts = [text for _, text in bad(findings_of(postgres, **environ)) if "connections" in text]
    assert (len(texts), complaint is None or complaint in texts[0]) == (int(complaint is not None), True)


@pytest.mark.parametrize(
    ("server", "level", "named"),
    [
        ((120_000, False, True), WARNING, "older"),
        ((150_000, True, True), ERROR, "replica"),
        ((150_000, False, False), NOTE, "sessions of others"),
    ],
)
def test_a_server_that_does_not_fit_is_found(postgres, monkeypatch, server, level, named):
    monkeypatch.setattr(database_figures, "server", lambda: database_figures.Server(*server))
    assert any(finding.level == level and named in finding.text for finding in findings_of(postgres))


def test_a_missing_migration_is_an_error(postgres, monkeypatch):
    monkeypatch.setattr(schema, "lacking", lambda: ["0099_more"])
    assert (ERROR, "the database lacks 1 migrations, from 0099_more on") in bad(findings_of(postgres))


def test_a_database_that_is_away_is_an_error_without_the_password():
    url = "postgresql://booper:c4nary@127.0.0.1:1/booper"
    open_database(url)
    [finding] = findings_of(url)
    close_all()
    assert (finding.level, finding.advice) == (ERROR, "look")
    assert "c4nary" not in finding.text


def test_a_database_that_is_silent_is_an_error_within_the_limits(postgres_url):
    port = int(psycopg.conninfo.conninfo_to_dict(postgres_url).get("port", 5432))
    with StallingProxy(port) as proxy:
        proxy.silence()
        url = proxy.url(postgres_url)
        open_database(url)
        [finding] = findings_of(url)
        close_all()
    assert finding.level == ERROR


def clocks():
    return list(database_checks.check_clocks())


def test_clocks_that_agree_are_fine(postgres):
    assert [finding.level for finding in clocks()] == [OK]


@pytest.mark.parametrize(("ahead_s", "side"), [(20, "20.0 s ahead of"), (-20, "20.0 s behind")])
def test_a_clock_that_differs_from_the_databases_is_an_error(postgres, monkeypatch, ahead_s, side):
    monkeypatch.setattr(database_checks.host_clock, "measure", lambda: ahead_s * clock.SECOND)
    [finding] = clocks()
    assert (finding.level, side in finding.text) == (ERROR, True)


def worker(seen_at, host="b", version=__version__):
    row = WorkerRow("w", host, 7, version, 100, 0, seen_at, seen_at)
    heartbeats.record_heartbeat(row)


def test_another_host_whose_clock_is_ahead_is_named(postgres):
    worker(clock.now() + 30 * clock.SECOND, host="later")
    [finding] = clocks()
    assert (finding.level, "the clock of later is at least" in finding.text) == (ERROR, True)


@pytest.mark.parametrize(
    ("processes", "ticker", "level", "named"),
    [
        (False, True, WARNING, "no process that sends"),
        (True, False, WARNING, "no ticker"),
        (True, True, OK, "1 sending processes"),
    ],
)
def test_processes_that_nobody_hears_of_are_found(postgres, processes, ticker, level, named):
    if processes:
        worker(clock.now())
    if ticker:
        ticker_row.record_seen(clock.now())

    [finding] = process_checks.check_processes()

    assert (finding.level, named in finding.text) == (level, True)


def test_a_process_of_another_version_is_noted(postgres):
    worker(clock.now(), version="0.1.9")
    ticker_row.record_seen(clock.now())
    assert any(finding.level == NOTE and "0.1.9" in finding.text for finding in process_checks.check_processes())
