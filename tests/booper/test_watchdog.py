"""The watchdog of `booper serve`: no sign of life while the process does not answer itself, or a part has ended."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from booper.watchdog import Watchdog
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
