"""Each kind of process: what it prepares, which program it becomes, what it prints, and how it ends."""

import importlib
import os
import shlex
import signal
import socket
import sys
import threading
import urllib.request
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import Request

import pytest
import waitress
from gunicorn.glogging import Logger as GunicornLogger
from gunicorn.util import load_class
from gunicorn.workers.gthread import ThreadWorker
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.server import waitress_channel
from booper import processes, supervisor
from models.accounts import account_store
from models.database import schema
from models.database.connection import close_all, connection, open_database
from models.operations import leader
from models.rules import clock
from runtime import metrics_files, metrics_folding, settings, signals, systemd, tracing
from tests.support.signals import handlers_put_back
from tests.support.waiting import wait_until
from workers import assembly

EMBEDDED = settings.load({})
PRODUCTION = settings.load({"BOOPER_BROKER_URL": "amqp://broker"})
OWN_KEY = "sk_mine_0001"
RESTART_DELAY = "dramatiq_restart_delay"  # Dramatiq's own
OPEN_TO_OTHERS = settings.load({"BOOPER_HOST": "0.0.0.0"})


class Replaced(BaseException):
    """Raised in place of the program that a process would become."""


@pytest.fixture
def handlers():
    """Restores the handlers of signals."""
    with handlers_put_back():
        yield


@pytest.fixture
def no_metrics(monkeypatch):
    """Hides the metrics directory of other tests, and removes the one that this test makes."""
    monkeypatch.setenv(metrics_files.VARIABLE, "")
    yield
    if directory := os.environ[metrics_files.VARIABLE]:
        metrics_files.remove(metrics_files.Path(directory))


def account_of(secret):
    with connection():
        owner = account_store.account_of(secret)
    return owner and owner.name


@pytest.mark.parametrize("mode", [EMBEDDED, PRODUCTION])
@pytest.mark.parametrize("now_set", ["", OWN_KEY])
def test_a_start_without_the_demo_key_of_an_earlier_one_revokes_it(db, mode, now_set):
    processes.prepare_database(replace(mode, demo_key=settings.DEMO_KEY))
    assert account_of(settings.DEMO_KEY) == "demo"

    processes.prepare_database(replace(mode, demo_key=now_set))
    assert account_of(settings.DEMO_KEY) is None
    assert account_of(OWN_KEY) == ("demo" if now_set else None)


def test_a_start_touches_no_key_but_the_demo_key(account):
    secret = account_store.create_key(account, "mine", clock.now())[1]
    processes.prepare_database(replace(EMBEDDED, demo_key=""))
    assert account_of(secret) == "alice"


@pytest.mark.parametrize(("mode", "migrated"), [(EMBEDDED, True), (PRODUCTION, False)])
def test_the_embedded_mode_alone_brings_the_schema_up_to_date(mode, migrated, tmp_path, monkeypatch, caplog):
    """And says so in one line: 33 lines stood before the greeting of the first start."""
    monkeypatch.setattr(account_store, "ensure_demo_key", lambda *_: None)  # it needs the table that is missing
    caplog.set_level("INFO", "booper")
    open_database(f"sqlite:///{tmp_path}/new.db")
    lacking = schema.pending()
    for _ in range(2):
        processes.prepare_database(mode)
    assert (schema.pending() == []) is migrated
    line = f"applying {len(lacking)} migrations to the database, up to {lacking[-1]}"
    assert caplog.messages == ([line] if migrated else [])
    close_all()


def greeting(effective, capsys):
    processes.greet(effective)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "[::1]"), ("0.0.0.0", "0.0.0.0"), ("::", "[::]")],
)
def test_the_greeting_names_the_address_in_the_form_of_a_browser(host, address, capsys):
    lines = greeting(replace(EMBEDDED, host=host, port=8123), capsys).splitlines()
    assert lines[:2] == [
        f"Booper listens on http://{address}:8123",
        f"Dashboard: http://{address}:8123/ (sign in with a key)",
    ]


@pytest.mark.parametrize(
    ("effective", "warns", "everybody_knows"),
    [
        (EMBEDDED, False, True),
        (replace(EMBEDDED, host="localhost"), False, True),
        (replace(EMBEDDED, host="::1"), False, True),
        (OPEN_TO_OTHERS, True, True),
        (replace(OPEN_TO_OTHERS, host="::"), True, True),
        (replace(OPEN_TO_OTHERS, demo_key=OWN_KEY), False, False),
        (replace(OPEN_TO_OTHERS, demo_key=""), False, False),
        (replace(EMBEDDED, demo_key=OWN_KEY), False, False),
    ],
)
def test_the_greeting_warns_of_the_well_known_demo_key_where_others_reach_it(effective, warns, everybody_knows, capsys):
    printed = greeting(effective, capsys)
    assert ("Warning: others can reach this address and use the demo key; BOOPER_DEMO_KEY=off" in printed) is warns
    assert ("(everybody knows it: for trying out only)" in printed) is everybody_knows


def test_the_greeting_shows_a_request_with_the_demo_key_and_none_without(capsys):
    own = greeting(replace(EMBEDDED, demo_key=OWN_KEY, port=8123), capsys)
    command = shlex.split(own.partition("Try in a second terminal:\n")[2].replace("\\\n", "").splitlines()[0])
    assert "http://127.0.0.1:8123/api/jobs" in command
    assert f"Authorization: Bearer {OWN_KEY}" in command
    assert f"Demo key: {OWN_KEY}\n" in own

    without = greeting(replace(EMBEDDED, demo_key=""), capsys)
    assert "Demo key" not in without
    assert "curl" not in without


@pytest.mark.parametrize(
    ("effective", "shown"),
    [
        (EMBEDDED, True),
        (replace(EMBEDDED, target_allow=""), False),
        (replace(OPEN_TO_OTHERS, target_allow="10.0.0.0/8"), False),
    ],
)
def test_the_greeting_on_loopback_says_which_private_targets_are_allowed(effective, shown, capsys):
    line = f"Jobs may reach {effective.target_allow} (BOOPER_TARGET_ALLOW)\n"
    assert (line in greeting(effective, capsys)) is shown


@pytest.fixture
def became(monkeypatch, no_metrics):
    """The program, with its arguments, that this process would have become."""
    commands = []

    def execv(path, arguments):
        commands.append((path, arguments))
        raise Replaced

    monkeypatch.setattr(processes.os, "execv", execv)
    return commands


def options_of(arguments):
    """The values of a command line's options by name; True where there is none."""
    following = [*arguments[1:], "--"]
    pairs = zip(arguments, following, strict=True)
    return {name: True if value.startswith("--") else value for name, value in pairs if name.startswith("--")}


def test_the_api_becomes_gunicorn_with_the_settings(db, became):
    effective = replace(
        PRODUCTION,
        host="0.0.0.0",
        port=8123,
        api_processes=3,
        shutdown_grace_s=12.5,
        stop_delay_s=3,
        keep_alive_s=120,
        log_level="WARNING",
    )
    with pytest.raises(Replaced):
        processes.api(effective)

    [(path, arguments)] = became
    assert path == sys.executable
    assert arguments[:5] == [sys.executable, "-P", "-m", "booper.gunicorn_command", "booper.wsgi:app"]
    assert options_of(arguments) == {
        "--bind": "0.0.0.0:8123",
        "--workers": "3",
        "--worker-class": "api.server.gunicorn_worker.Worker",
        "--threads": "8",
        "--graceful-timeout": "15",
        "--timeout": "60",
        "--keep-alive": "120",
        "--log-level": "warning",
        "--limit-request-line": "8190",
        "--no-control-socket": True,
        "--config": "python:api.server.gunicorn_hooks",
        "--logger-class": "api.server.gunicorn_hooks.Logger",
    }


def test_o12_the_api_keeps_an_idle_connection_for_longer_than_a_balancer_does(db, became):
    """It closed them after 15 s, just when a balancer that keeps them for 60 s sent the next request."""
    with pytest.raises(Replaced):
        processes.api(PRODUCTION)

    [(_, arguments)] = became
    assert int(options_of(arguments)["--keep-alive"]) > 60


def test_gunicorn_can_load_each_module_that_its_command_line_names(db, became):
    with pytest.raises(Replaced):
        processes.api(PRODUCTION)

    [(_, arguments)] = became
    options = options_of(arguments)
    config = importlib.import_module(options["--config"].removeprefix("python:"))
    classes = [load_class(options[name]) for name in ("--worker-class", "--logger-class")]
    assert callable(config.child_exit)
    assert [cls.__mro__[1] for cls in classes] == [ThreadWorker, GunicornLogger]


def test_the_api_prepares_the_database_and_a_place_for_metrics_before(db, became):
    with pytest.raises(Replaced):
        processes.api(replace(PRODUCTION, demo_key=OWN_KEY))
    assert account_of(OWN_KEY) == "demo"
    assert metrics_files.directory().is_dir()


class Supervised:
    """Stands in for `supervise`: records its arguments, and calls `look` while the children would run."""

    def __init__(self, look=lambda: None, error=None):
        self.look, self.error = look, error

    def __call__(self, children, grace_s, *besides):
        self.commands = {child.name: child.command for child in children}
        self.grace_s, self.besides = grace_s, besides
        self.directory = metrics_files.directory()
        self.seen = self.look()
        if self.error:
            raise self.error
        return 7


@pytest.fixture
def supervised(monkeypatch, no_metrics):
    monkeypatch.setenv(RESTART_DELAY, "5")

    def stand_in(**options):
        supervising = Supervised(**options)
        monkeypatch.setattr(processes, "supervise", supervising)
        return supervising

    return stand_in


def test_a_worker_is_dramatiq_and_a_ticker_as_the_settings_want_them(supervised, monkeypatch):
    supervising = supervised()
    monkeypatch.delenv(RESTART_DELAY)
    assert processes.worker(replace(PRODUCTION, worker_processes=3, shutdown_grace_s=12.5)) == 7

    dramatiq = supervising.commands["worker"]
    assert dramatiq[:5] == [sys.executable, "-P", "-m", "workers", "workers.app:broker"]
    assert options_of(dramatiq) == {
        "--processes": "3",
        "--threads": "16",
        "--worker-shutdown-timeout": "12500",
        "--skip-logging": True,
        "--path": True,
    }
    assert supervising.commands["ticker"] == [sys.executable, "-P", "-m", "booper", "ticker"]
    assert supervising.grace_s == 12.5
    assert os.environ[RESTART_DELAY] == "1000"


def test_a_held_worker_is_a_ticker_alone(supervised, caplog):
    supervising = supervised()
    processes.worker(replace(PRODUCTION, hold=True))
    assert list(supervising.commands) == ["ticker"]
    assert "BOOPER_HOLD is on" in caplog.text


def test_an_operator_may_set_how_soon_dramatiq_looks_for_the_broker_again(supervised):
    supervised()
    processes.worker(PRODUCTION)
    assert os.environ[RESTART_DELAY] == "5"


@pytest.mark.parametrize("error", [None, ZeroDivisionError()])
def test_a_worker_has_a_place_for_metrics_as_long_as_it_lasts(error, supervised):
    supervising = supervised(look=lambda: metrics_files.directory().is_dir(), error=error)
    if error:
        pytest.raises(ZeroDivisionError, processes.worker, PRODUCTION)
    else:
        processes.worker(PRODUCTION)
    assert supervising.seen
    assert not supervising.directory.exists()
    assert [type(each) for each in supervising.besides] == [metrics_folding.Folding, systemd.SignOfLife]


def test_a_worker_serves_its_metrics_on_the_port_of_the_settings_while_it_runs(supervised):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    def page():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return answer.status

    supervising = supervised(look=page)
    processes.worker(replace(PRODUCTION, worker_metrics_port=port))
    assert supervising.seen == 200
    pytest.raises(OSError, page)


@pytest.mark.parametrize(("token", "status"), [("t" * 16, 200), ("u" * 16, 404), ("", 404)])
def test_a_worker_shows_its_metrics_to_others_who_have_the_token(supervised, token, status):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    def page():
        headers = {"X-Forwarded-For": "192.0.2.1", "Authorization": f"Bearer {token}"}
        try:
            with urllib.request.urlopen(
                Request(f"http://127.0.0.1:{port}/metrics", headers=headers), timeout=10
            ) as answer:
                return answer.status
        except HTTPError as error:
            return error.code

    supervising = supervised(look=page)
    processes.worker(replace(PRODUCTION, worker_metrics_port=port, metrics_token="t" * 16))
    assert supervising.seen == status


def kill(*signums):
    for signum in signums:
        os.kill(os.getpid(), signum)


@pytest.fixture
def server():
    """A server of waitress whose loop gets signals as soon as it runs, while it holds the lock of its trigger."""

    def that_gets(*signums):
        made.trigger.pull_trigger(lambda: kill(*signums))
        return made

    made = waitress.create_server(lambda _environ, _start: [], host="127.0.0.1", port=0)
    yield that_gets
    made.task_dispatcher.shutdown()
    made.close()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_loop_and_then_on_stop_is_called(signum, handlers, server):
    events = []
    processes.run_until_signal(server(signum), lambda: events.append("stops"), lambda: events.append("abandons"))
    assert events == ["stops"]


def test_a_signal_raises_nothing_in_the_loop(handlers, server):
    """An exception between the taking of a lock and its release left the lock taken."""
    went_on = []
    made = server(signal.SIGTERM)
    made.trigger.pull_trigger(lambda: went_on.append(True))
    processes.run_until_signal(made, list, list)
    assert went_on == [True]


def test_a_server_that_stops_ends_live_logs_and_says_that_it_is_not_ready(monkeypatch):
    closed = []
    monkeypatch.setattr(signals, "stopping", signals.Flag())
    monkeypatch.setattr(waitress_channel, "stop_listening", closed.append)

    processes.stop_serving("server")

    assert (signals.stopping.is_set(), closed) == (True, ["server"])


@pytest.mark.parametrize(("later_s", "code"), [(0.05, None), (0.2, 143)])
def test_a_second_order_and_no_echo_ends_the_process_at_once(later_s, code, handlers, server, monkeypatch):
    seconds, ended, abandoned = [100.0], [], []
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    processes.run_until_signal(server(signal.SIGTERM), list, lambda: abandoned.append(not ended))

    seconds[0] += later_s
    kill(signal.SIGTERM)
    assert ended == ([code] if code else [])
    assert abandoned == ([True] if code else [])


def test_a_second_order_ends_the_process_also_where_nothing_can_be_given_back(handlers, server, monkeypatch):
    seconds, ended = [100.0], []
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    monkeypatch.setattr(processes.os, "_exit", ended.append)
    processes.run_until_signal(server(signal.SIGTERM), list, no_thread)

    seconds[0] += 1
    with pytest.raises(RuntimeError):  # the process would have ended before
        kill(signal.SIGTERM)
    assert ended == [143]


def no_thread():
    raise RuntimeError("can't start new thread")


class Created(Exception):
    """Ends the making of a server once its options are known."""


def test_the_server_of_the_embedded_mode_has_the_limits_of_its_settings(monkeypatch):
    def create_server(_app, **options):
        raise Created(options)

    monkeypatch.setattr(processes, "prepare_database", lambda _settings: None)
    monkeypatch.setattr("waitress.create_server", create_server)
    small_bodies = replace(EMBEDDED, host="::1", port=81, keep_alive_s=7, max_body_bytes=3000, max_batch_bytes=5000)

    with pytest.raises(Created) as created:
        processes.serve(small_bodies)

    [options] = created.value.args
    assert (options["host"], options["port"], options["channel_timeout"]) == ("::1", 81, 7)
    assert options["max_request_body_size"] == 10_000
    assert not options["clear_untrusted_proxy_headers"]
    assert options["asyncore_use_poll"]
    assert options["ident"] is None


class Ticking:
    """A ticker that leads, and gets the signal to stop in its first round."""

    def __init__(self, lead, signum):
        self.lead, self.signum = lead, signum

    def tick_until(self, stop):
        self.led = wait_until(self.lead.hold)  # the session of the test before may not have ended yet
        self.stopped = [stop.is_set()]
        kill(self.signum)
        self.stopped.append(stop.is_set())


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_ticker_that_gets_a_signal_gives_up_the_lead_and_sends_its_spans(signum, db, handlers, monkeypatch):
    tickers = []

    def make_ticker(_settings, _actors, lead, _on_lead):
        tickers.append(Ticking(lead, signum))
        return tickers[0]

    monkeypatch.setattr(assembly, "make_ticker", make_ticker)
    tracing.install(SimpleSpanProcessor(InMemorySpanExporter()), "test")

    assert processes.ticker(EMBEDDED) == 0
    assert (tickers[0].led, tickers[0].stopped) == (True, [False, True])
    assert tracing.begin_request("") is None
    other = leader.candidate()
    wait_until(other.hold)  # PostgreSQL frees the lock a moment after the connection is closed
    other.give_up()


def test_a_ticker_that_is_held_leads_all_the_same_and_gives_up_the_lead(db, handlers, monkeypatch):
    tickers = []

    def make_held_ticker(lead):
        tickers.append(Ticking(lead, signal.SIGTERM))
        return tickers[0]

    monkeypatch.setattr(assembly, "make_held_ticker", make_held_ticker)

    assert processes.ticker(replace(PRODUCTION, hold=True)) == 0
    assert (tickers[0].led, tickers[0].stopped) == (True, [False, True])
    other = leader.candidate()
    wait_until(other.hold)
    other.give_up()


def test_a_worker_without_a_port_serves_no_metrics(supervised):
    supervising = supervised(look=lambda: [thread.name for thread in threading.enumerate()])
    processes.worker(PRODUCTION)
    assert "metrics" not in supervising.seen
