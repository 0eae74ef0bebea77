"""Clients that are slow, silent or never done hold no thread of the API, and get 408 in the end."""

import json
import signal
import socket

import pytest

from api.server import arrivals, client_socket
from api.server.arrivals import Arrival
from api.server.request_buffer import RequestBuffer
from runtime import signals
from tests.support.http_worker import GET, POST, UNREAD, answer, response, response_of
from tests.support.waiting import wait_until


@pytest.mark.parametrize("sent", [b"", b"GET", GET[:-2], POST, POST + b"hel"])
def test_o4_any_number_of_clients_that_stop_in_their_request_hold_nobody_up(connect, sent):
    """Forty held every thread for as long as they liked, without a key."""
    for _ in range(40):
        connect().sendall(sent)

    assert answer(connect, GET) == (200, b"/path ")


CHUNKED = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")


@pytest.mark.parametrize(
    "sent",
    [
        CHUNKED.replace(b"chunked", b"identity, chunked"),
        POST.replace(b": 5", b": " + b"0" * 30 + b"5"),
        CHUNKED + b"0" * 17 + b"5\r\n",
        CHUNKED + b"5;" + b"x" * 2000,
        CHUNKED + b"0\r\n \r\n",
    ],
)
def test_o4_clients_whose_requests_only_seem_to_have_arrived_hold_nobody_up(connect, sent, monkeypatch):
    """gunicorn sees the end of each later than Booper, and waited for it in a thread, without a key."""
    monkeypatch.setattr(client_socket, "WAIT_S", 3600.0)
    for _ in range(40):
        connect().sendall(sent)

    assert answer(connect, GET) == (200, b"/path ")


def test_no_request_follows_one_whose_end_is_not_known(connect):
    """gunicorn would take the next client's request, which a proxy may send on the connection, for the body."""
    connection = connect()
    connection.sendall(UNREAD.replace(b": 5", b": " + b"0" * 30 + b"5"))
    head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert b"Connection: close" in head.split(b"\r\n")
    assert body == b"/unread "


@pytest.mark.parametrize("body", [b"5;a b\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloxx0\r\n\r\n", b"0\r\n x\r\n\r\n"])
def test_a_malformed_body_that_nobody_read_gets_no_second_response(connect, body):
    """A proxy would take it for the response to the next request."""
    connection = connect()
    connection.sendall(UNREAD.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked") + body)
    file = connection.makefile("rb")
    assert response_of(file) == (200, b"/unread ")
    assert file.read() == b""


def test_a_request_that_comes_byte_by_byte_is_served(connect):
    connection = connect()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in POST + b"hello":
        connection.sendall(bytes([byte]))
    assert response(connection) == (200, b"/path hello")


def test_two_requests_at_once_are_answered_one_after_another(connect):
    connection = connect()
    connection.sendall(POST + b"hello" + GET + POST + b"world")
    file = connection.makefile("rb")
    assert [response_of(file) for _ in range(3)] == [(200, b"/path hello"), (200, b"/path "), (200, b"/path world")]


def test_requests_follow_one_another_on_a_connection(connect):
    connection = connect()
    for body in (b"hello", b"world"):
        connection.sendall(POST + body)
        assert response(connection) == (200, b"/path " + body)


def test_a_body_in_chunks_arrives_whole(connect):
    head = POST.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked")
    assert answer(connect, head + b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n") == (200, b"/path hello")


def test_a_client_that_waits_for_100_is_told_to_continue_once(connect):
    connection = connect()
    connection.sendall(POST.replace(b"Host: x", b"Expect: 100-continue"))
    assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(b"hello")
    assert response(connection) == (200, b"/path hello")


@pytest.mark.parametrize("sent", [b"GET", GET[:-2], POST, POST + b"hel"])
def test_o4_a_request_that_does_not_arrive_in_time_gets_408(connect, sent, monkeypatch):
    monkeypatch.setattr(arrivals, "HEAD_S", 0.2)
    monkeypatch.setattr(arrivals, "SLOWEST_BYTES_A_SECOND", 1e9)
    status, body = answer(connect, sent)
    assert status == 408
    assert json.loads(body)["error"]["message"] == "The request must arrive whole, without long pauses."


@pytest.mark.parametrize(
    ("sent", "latest_s"), [(b"", 15), (b"x" * 30_000, 15), (POST, 15.05), (POST + b"x" * 29_950, 45)]
)
def test_a_body_has_more_time_the_more_of_it_has_come(sent, latest_s):
    buffer = RequestBuffer(100_000)
    buffer.feed(sent.replace(b"Length: 5", b"Length: 99999"))
    arrival = Arrival(None, buffer, began_s=100.0)
    assert not arrival.is_late(100 + latest_s - 0.1)
    assert arrival.is_late(100 + latest_s + 0.1)


def test_a_connection_that_asks_for_nothing_is_closed_without_a_word(connect, monkeypatch):
    monkeypatch.setattr(arrivals, "HEAD_S", 0.2)
    assert response(connect()) == (None, None)


def test_a_head_that_never_ends_gets_431(connect):
    assert answer(connect, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 40_000)[0] == 431


def test_o3_signs_of_life_wait_for_no_other_request(app, connect):
    for _ in range(2):
        connect().sendall(GET.replace(b"/path", b"/hang"))
    wait_until(lambda: app.hanging == 2, what="all threads to be busy")

    for path in (b"/healthz", b"/api/ping", b"/readyz"):
        assert answer(connect, GET.replace(b"/path", path)) == (200, path + b" ")


def test_a_client_that_reads_nothing_holds_a_thread_only_for_a_while(connect, monkeypatch):
    monkeypatch.setattr(client_socket, "WAIT_S", 0.2)
    for _ in range(2):
        connect().sendall(GET.replace(b"/path", b"/large"))
    assert answer(connect, GET) == (200, b"/path ")


def test_a_client_that_keeps_an_ended_connection_open_holds_nobody_up(connect, monkeypatch):
    """gunicorn waited two seconds in its main loop for each of them to close it."""
    waited_for = []
    monkeypatch.setattr("gunicorn.util.close_graceful", waited_for.append)
    ended = connect()
    ended.sendall(GET.replace(b"Host: x", b"Connection: close"))
    assert response(ended) == (200, b"/path ")

    assert answer(connect, GET) == (200, b"/path ")
    assert waited_for == []


@pytest.fixture
def told_to_stop(worker, monkeypatch):
    """Tells the worker to stop, after a delay."""
    monkeypatch.setattr(signals, "stopping", signals.Flag())

    def tell(delay_s):
        worker.stop_delay_s = delay_s
        worker.handle_exit(signal.SIGTERM, None)

    return tell


def test_o11_during_the_stop_delay_requests_are_served_on_connections_that_end(worker, connect, told_to_stop):
    kept = connect()
    kept.sendall(GET)
    assert response(kept) == (200, b"/path ")

    told_to_stop(3600.0)

    assert signals.stopping.is_set()
    for connection in (kept, connect()):
        connection.sendall(GET)
        file = connection.makefile("rb")
        assert response_of(file) == (200, b"/path ")
        assert file.read() == b""  # it ended
    assert worker.alive


def test_after_the_stop_delay_a_process_ends_and_what_was_under_way_is_answered(app, worker, connect, told_to_stop):
    hanging = connect()
    hanging.sendall(GET.replace(b"/path", b"/hang"))
    wait_until(lambda: app.hanging, what="a request to be under way")

    told_to_stop(0.05)
    wait_until(lambda: not worker.sockets, what="the process to listen no more")
    app.go_on.set()

    assert response(hanging) == (200, b"/hang ")


def test_o11_a_kept_connection_is_answered_once_more_while_the_process_stops(app, worker, connect, told_to_stop):
    """It ended without an answer where its request crossed the end on the way; a proxy made it a 502."""
    hanging, kept = connect(), connect()
    hanging.sendall(GET.replace(b"/path", b"/hang"))
    kept.sendall(GET)
    assert response(kept) == (200, b"/path ")

    told_to_stop(0.0)
    wait_until(lambda: not worker.sockets, what="the process to listen no more")
    kept.sendall(GET)

    assert response(kept) == (200, b"/path ")


def test_a_process_that_stops_waits_for_a_request_that_has_begun_but_not_for_a_client_that_asks_nothing(
    app, worker, connect, told_to_stop, monkeypatch
):
    """A request that came in pieces was cut off, and its client could not know what became of it."""
    hanging, slow, silent = connect(), connect(), connect()
    hanging.sendall(GET.replace(b"/path", b"/hang"))
    slow.sendall(POST)
    wait_until(lambda: app.hanging and worker.nr_conns == 3, what="all to be there")
    monkeypatch.setattr(arrivals, "LINGER_S", 0.0)

    told_to_stop(0.0)
    assert response(silent) == (None, None)
    slow.sendall(b"hello")

    assert response(slow) == (200, b"/path hello")


def test_no_connection_is_forgotten_in_the_count(worker, connect, monkeypatch):
    monkeypatch.setattr(arrivals, "HEAD_S", 1.0)
    for sent in (b"", b"GET", GET.replace(b"Host: x", b"Connection: close"), POST + b"hello"):
        connect().sendall(sent)
    wait_until(lambda: worker.nr_conns == 1, what="all but the kept connection to be gone")
