"""A server without a file left for a connection pauses, says so seldom, and goes on."""

import errno
import socket
import threading

import pytest
import waitress

from runtime import file_shortage, waitress_servers
from runtime.file_shortage import FileShortage, pause_without_files
from tests.support.clocks import SteadyClock
from tests.support.waiting import wait_until

FULL = OSError(errno.EMFILE, "Too many open files")
GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(file_shortage, "time", standing := SteadyClock())
    return standing


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_an_error_for_want_of_files_or_room_begins_a_pause(clock, number):
    shortage = FileShortage()
    assert not shortage.pauses

    assert shortage.begin(OSError(number, "none left"))

    assert shortage.pauses
    clock.at_s += file_shortage.PAUSE_S
    assert not shortage.pauses


def test_another_error_begins_none(clock, caplog):
    shortage = FileShortage()
    assert not shortage.begin(OSError(errno.EBADF, "closed"))
    assert not shortage.pauses
    assert caplog.records == []


def test_a_shortage_is_logged_once_however_long_it_lasts(clock, caplog):
    shortage = FileShortage()
    for _ in range(1000):
        shortage.begin(FULL)
        clock.at_s += file_shortage.PAUSE_S
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("after_s", "logged"), [(59, 1), (60, 2)])
def test_a_shortage_that_comes_again_and_again_is_logged_once_a_minute(clock, caplog, after_s, logged):
    shortage = FileShortage()
    shortage.begin(FULL)
    shortage.end()
    clock.at_s += after_s
    shortage.begin(FULL)
    assert len(caplog.records) == logged


@pytest.fixture
def server():
    """A server of waitress to which no file is left for the first connections."""

    def app(environ, start):
        start("200 OK", [("Content-Length", "0")])
        return []

    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=1, asyncore_loop_timeout=0.02)
    tries, accept = [], server.accept

    def accept_or_fail():
        tries.append(1)
        if len(tries) <= 3:
            raise OSError(FULL.errno, FULL.strerror)
        return accept()

    server.accept, server.tries = accept_or_fail, tries
    pause_without_files(server)
    thread = threading.Thread(target=server.run, name="waitress", daemon=True)
    thread.start()
    yield server
    server.task_dispatcher.shutdown(timeout=60)
    waitress_servers.end(server)
    thread.join(60)
    assert not thread.is_alive()


def test_waitress_pauses_between_its_tries_and_then_serves(server, clock, caplog):
    with socket.create_connection(("127.0.0.1", server.effective_port), 20) as connection:
        connection.sendall(GET)
        for number in range(1, 4):
            wait_until(lambda number=number: len(server.tries) == number, what="a try")
            clock.at_s += file_shortage.PAUSE_S
        assert b" 200 " in connection.makefile("rb").readline()

    assert len(server.tries) == 4
    assert [record.levelname for record in caplog.records if record.name == "booper.connections"] == ["ERROR"]
    assert not any("threw an exception" in record.message for record in caplog.records)
