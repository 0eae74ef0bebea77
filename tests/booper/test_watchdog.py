"""The watchdog of `booper serve`: no sign of life while the process does not answer itself, or a part has ended."""

import threading
from http.client import BadStatusLine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from booper.watchdog import ANSWER_LIMIT_S, Watchdog
from runtime import settings
from tests.support.systemd import ServiceManager

ALIVE = "WATCHDOG=1"


class Server:
    """Answers /healthz by the next of its statuses, the last one again and again."""

    def __init__(self):
        self.statuses, self.paths = [200], []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.paths.append(self.path)
                self.send_response(server.statuses.pop(0) if len(server.statuses) > 1 else server.statuses[0])
                self.end_headers()

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.settings = settings.load({"PORT": str(self.http.server_address[1])})


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, name="healthz")
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join(10)


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    with ServiceManager(tmp_path, watchdog_s=0.03) as systemd:
        for name, value in systemd.environment.items():
            monkeypatch.setenv(name, value)
        yield systemd


@pytest.fixture
def watch(server, systemd):
    """Starts a watchdog; it is stopped at the end."""
    started = []

    def start(works=lambda: True):
        started.append(Watchdog(server.settings, works))
        started[-1].start()
        return started[-1]

    yield start
    for each in started:
        each.stop()


def test_a_process_that_answers_itself_gives_signs_of_life(watch, server, systemd):
    watch()
    systemd.await_more(ALIVE, times=2)
    assert set(server.paths) == {"/healthz"}


def test_there_is_no_sign_until_the_process_answers_well(watch, server, systemd):
    server.statuses = [500, 503, 200]
    watch()
    systemd.await_more(ALIVE)
    assert len(server.paths) - systemd.count(ALIVE) >= 2


def test_there_is_no_sign_while_a_part_has_ended(watch, systemd):
    looks = iter([False, False, False])
    heard_before = []

    def works():
        heard_before.append(systemd.count(ALIVE))
        return next(looks, True)

    watch(works)
    systemd.await_more(ALIVE)
    assert heard_before[:4] == [0, 0, 0, 0]


class Answering:
    """A connection to an address, at which this status is answered. `made`: each that was made."""

    made = []
    status = 200

    def __init__(self, *address, timeout):
        self.made.append((*address, timeout))

    def request(self, *words):
        assert words == ("GET", "/healthz")

    def getresponse(self):
        if isinstance(self.status, Exception):
            raise self.status
        return self

    def close(self):
        pass


@pytest.fixture
def answering(monkeypatch):
    monkeypatch.setattr(Answering, "made", [])
    monkeypatch.setattr("booper.watchdog.http.client.HTTPConnection", Answering)
    return Answering


@pytest.mark.parametrize(
    ("host", "own"),
    [
        *[("0.0.0.0", "127.0.0.1"), ("::", "::1")],
        *[(host, host) for host in ("127.0.0.1", "::1", "localhost", "192.0.2.7")],
    ],
)
def test_a_process_is_asked_at_an_address_that_it_listens_on(answering, host, own):
    watchdog = Watchdog(settings.load({"BOOPER_HOST": host, "PORT": "8123", "BOOPER_DEMO_KEY": "off"}), lambda: True)

    assert watchdog._answers()
    assert answering.made == [(own, 8123, ANSWER_LIMIT_S)]


@pytest.mark.parametrize(
    "status", [204, 302, 404, 500, 503, ConnectionResetError(), TimeoutError(), BadStatusLine("x")]
)
def test_what_is_not_healthy_is_no_answer(answering, monkeypatch, status):
    monkeypatch.setattr(Answering, "status", status)

    assert not Watchdog(settings.load({}), lambda: True)._answers()


@pytest.mark.parametrize(
    ("works", "status", "signs"), [(True, 200, 1), (False, 200, 0), (True, 503, 0), (False, 503, 0)]
)
def test_a_missing_sign_of_life_is_an_error_in_the_log(answering, monkeypatch, caplog, works, status, signs):
    sent = []
    monkeypatch.setattr(Answering, "status", status)
    monkeypatch.setattr("booper.watchdog.systemd.notify", sent.append)
    watchdog = Watchdog(settings.load({}), lambda: works)
    looks = iter([False, True])
    monkeypatch.setattr(watchdog, "_stop", SimpleNamespace(wait=lambda _: next(looks)))

    watchdog._watch()

    assert sent == [ALIVE] * signs
    assert [record.levelname for record in caplog.records] == ["ERROR"] * (1 - signs)


def test_where_systemd_does_not_wait_no_thread_runs(server, monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    watchdog = Watchdog(server.settings, lambda: True)
    watchdog.start()
    watchdog.stop()
    assert server.paths == []


def test_a_stopped_watchdog_gives_no_further_sign(watch, systemd):
    watchdog = watch()
    systemd.await_more(ALIVE)
    watchdog.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "watchdog"]
