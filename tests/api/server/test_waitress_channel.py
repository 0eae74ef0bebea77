"""In embedded mode too: one shape of errors, 408 for late requests, signs of life, and a port that is free at once."""

import contextlib
import json
import socket
import threading
from types import SimpleNamespace
from typing import ClassVar

import pytest
import waitress
from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher

from api import create_app
from api.server import waitress_channel
from api.server.waitress_channel import adapt, stop_listening
from runtime import settings
from tests.support.http_worker import response_of
from tests.support.waiting import wait_until

HEAD = b"POST /api/echo HTTP/1.1\r\nHost: x\r\n"


def in_its_loop(server, function):
    """Call this in the server's thread, as a signal handler is called in the main thread of `booper serve`."""
    server.trigger.pull_trigger(function)


@pytest.fixture
def app():
    return create_app(settings.load({}))


@pytest.fixture
def server(app):
    limits = {"max_request_body_size": 5000, "max_request_header_size": 1000}
    server = waitress.create_server(
        app,
        host="127.0.0.1",
        port=0,
        threads=2,
        ident=None,
        asyncore_loop_timeout=0.05,
        asyncore_use_poll=True,
        **limits,
    )
    adapt(server)
    thread = threading.Thread(target=server.run, name="waitress", daemon=True)
    thread.start()
    yield server
    with contextlib.suppress(OSError):  # the loop, awake for another reason, may close the pipe before it is written to
        in_its_loop(server, lambda: wasyncore.close_all(server._map))
    thread.join(60)
    server.task_dispatcher.shutdown(timeout=60)
    assert not thread.is_alive()


@pytest.fixture
def port(server):
    return server.effective_port


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: 6000\r\n\r\n" + b"x" * 6000, 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1770\r\n" + b"x" * 6000 + b"\r\n0\r\n\r\n", 413),
        (HEAD + b"Content-Length: -5\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked,\r\n chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"X: " + b"x" * 1500 + b"\r\n\r\n", 431),
        (b"GARBAGE\r\n\r\n", 400),
    ],
)
def test_a_broken_request_is_answered_in_the_one_shape(port, sent, status):
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"application/json" in head

    error = json.loads(body)["error"]
    assert set(error) == {"status", "code", "message", "errors", "request_id"}
    assert error["status"] == status


def test_a_chunked_body_is_served(port):
    json_in_chunks = b"Content-Type: application/json\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert status_of(port, HEAD + json_in_chunks) == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"HTTP/1.1\r\nTransfer-Encoding: gzip, chunked",
        b"HTTP/1.1\r\nTransfer-Encoding: chunked, chunked",
        b"HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked",
        b"HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked",
    ],
)
def test_what_comes_behind_a_request_of_uncertain_length_is_no_request(port, framing):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            b"POST /api/echo " + framing + b"\r\nHost: x\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        file = connection.makefile("rb")
        assert response_of(file)[0] in (400, 501)
        assert file.read() == b""


@pytest.mark.parametrize(
    ("framing", "status"),
    [
        (b"Content-Length: 4\r\nTransfer-Encoding: chunked", 400),
        (b"Content-Length: four", 400),
        (b"Content-Length: 6000", 413),
    ],
)
def test_a_request_refused_by_its_head_is_not_told_to_continue(port, framing, status):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\n" + framing + b"\r\n\r\n")
        file = connection.makefile("rb")
        assert file.peek().startswith(b"HTTP/1.1 %d " % status)
        assert response_of(file)[0] == status
        assert file.read() == b""


def test_a_request_that_is_not_refused_is_told_to_continue(port):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        file = connection.makefile("rb")
        assert (file.readline(), file.readline()) == (b"HTTP/1.1 100 Continue\r\n", b"\r\n")
        connection.sendall(b"1234")
        assert response_of(file)[0] == 200


def test_a_refused_client_that_still_sends_gets_the_answer_and_no_reset(port):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(HEAD + b"Content-Length: -5\r\n\r\n")
        file = connection.makefile("rb")
        assert response_of(file)[0] == 400
        assert file.read() == b""  # the server says no more
        for _ in range(5):
            connection.sendall(b"x" * 1000)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def test_a_client_that_never_closes_is_waited_for_no_longer_than_a_moment(server, port, monkeypatch):
    monkeypatch.setattr(waitress_channel, "LINGER_S", 0.1)
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 200 " in connection.makefile("rb").read()
        wait_until(lambda: not server.active_channels, what="the connection to be closed")


def test_a_client_that_closes_is_waited_for_no_more(server, port):
    assert status_of(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") == 200
    wait_until(lambda: not server.active_channels, what="the connection to be closed")


def test_a_connection_that_its_client_has_closed_already_may_end_again(server, port):
    with socket.create_connection(("127.0.0.1", port), 20):
        wait_until(lambda: server.active_channels, what="the connection to be there")
        [channel] = server.active_channels.values()
    wait_until(lambda: not server.active_channels, what="the connection to be closed")

    channel.will_close = True
    channel.handle_close()

    assert not channel.connected


def status_of(port, sent):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(sent)
        return int(connection.makefile("rb").readline().split()[1])


@pytest.mark.parametrize("sent", [b"GET", HEAD, HEAD + b"Content-Length: 5\r\n\r\nhel"])
def test_o4_a_request_that_does_not_arrive_in_time_gets_408(port, sent, monkeypatch):
    monkeypatch.setattr(waitress_channel, "HEAD_S", 0.1)
    monkeypatch.setattr(waitress_channel, "SLOWEST_BYTES_A_SECOND", 1e9)
    assert status_of(port, sent) == 408


def test_a_request_that_arrives_in_pieces_is_served(port):
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        for piece in (HEAD, b"Content-Type: application/json\r\n", b"Content-Length: 2\r\n\r\n", b"{", b"}"):
            connection.sendall(piece)
        assert b" 200 " in connection.makefile("rb").readline()


def test_o3_signs_of_life_wait_for_no_other_request(app, port):
    hanging, go_on = [], threading.Event()

    def hang():
        hanging.append(1)
        go_on.wait(60)
        return ""

    app.add_url_rule("/hang", view_func=hang)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            client.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_until(lambda: len(hanging) == 2, what="all threads to be busy")

        for path in (b"/healthz", b"/api/ping"):
            assert status_of(port, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path) == 200
        go_on.set()


def test_the_port_is_free_at_once_when_the_server_stops_though_a_request_is_under_way(app, server, port):
    """A slow request kept it for five seconds."""
    hanging, go_on = threading.Event(), threading.Event()

    def hang():
        hanging.set()
        go_on.wait(60)
        return "done"

    app.add_url_rule("/hang", view_func=hang)
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")
        assert hanging.wait(60)

        in_its_loop(server, lambda: stop_listening(server))

        wait_until(lambda: is_free(port), what="the port to be free")
        go_on.set()
        assert b" 200 " in client.makefile("rb").readline()


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", int(port))).close()
    except OSError:
        return False
    return True


def test_a_name_with_several_addresses_is_adapted_at_each():
    server = waitress.create_server(lambda *_: [], listen="127.0.0.1:0 127.0.0.2:0", threads=1)
    adapt(server)
    assert len(list(waitress_channel.listening(server))) == 2
    assert {each.channel_class for each in waitress_channel.listening(server)} == {waitress_channel.Channel}
    server.task_dispatcher.shutdown(timeout=60)
    server.close()


def test_the_stop_waits_for_a_sign_of_life_that_is_under_way():
    """Its thread is one of its own, so the stop of the others would not wait for it."""
    hanging, go_on = threading.Event(), threading.Event()

    class Channel:
        requests: ClassVar = [SimpleNamespace(path="/healthz")]

        def service(self):
            hanging.set()
            go_on.wait(60)

    others = ThreadedTaskDispatcher()
    lanes = waitress_channel.Lanes(others)
    lanes.enqueue(Channel())
    assert hanging.wait(60)

    stop = threading.Thread(target=lanes.shutdown, kwargs={"timeout": 60}, name="stop")
    stop.start()
    wait_until(lambda: lanes._own["quick"].stop_count, what="its thread to be told")
    assert stop.is_alive()
    go_on.set()

    stop.join(60)
    assert not any(each.threads for each in lanes._own.values())
