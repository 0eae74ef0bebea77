"""The receiver by itself, over real sockets: what it answers and what it writes down."""

import http.client
import socket

import pytest

from tests.support.journeys.ledger import read_arrivals
from tests.support.journeys.processes import ReceiverProcess
from tests.support.waiting import wait_until

HEADERS = {"X-Nonce": "n1", "Booper-Attempt": "3", "Booper-Job-Id": "17"}


@pytest.fixture
def receiver(tmp_path):
    with ReceiverProcess(tmp_path) as receiver:
        yield receiver


def ask(receiver, path, method="POST", body=b"hello", headers=HEADERS, timeout=60):
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=timeout)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "code"),
    [("/ok", 200), ("/status/503", 503), ("/status/204", 204), ("/slow/0.01", 200), ("/what", 404)],
)
def test_each_path_is_answered_with_its_status_code(receiver, path, code):
    assert ask(receiver, path)[0] == code


def test_a_notification_is_written_with_headers_and_body(receiver):
    ask(receiver, "/notified/a", headers={"X-Mine": "yes"})
    [notification] = receiver.notifications()
    assert (notification.path, notification.headers["x-mine"], notification.body) == ("/notified/a", "yes", "hello")


def test_an_arrival_and_its_end_are_written_with_all_their_marks(receiver):
    ask(receiver, "/status/503?a=1")
    arrivals, ends = receiver.stopped_ledger()
    (arrival,), (end,) = arrivals, ends
    assert (arrival.nonce, arrival.attempt, arrival.job_id, arrival.path) == ("n1", 3, 17, "/status/503")
    assert arrival.sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert (end.nonce, end.attempt, end.status_code, end.whole) == ("n1", 3, 503, True)
    assert arrival.at <= end.at


def test_requests_of_one_connection_are_answered_in_their_order(receiver):
    request = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port), 5) as sock:
        sock.sendall(request % b"/slow/0.05" + request % b"/status/201")
        seen = b""
        while seen.count(b"HTTP/1.1") < 2:
            seen += sock.recv(4096)
    assert seen.index(b"200 OK") < seen.index(b"201 Created")
    assert len({arrival.connection for arrival in receiver.stopped_ledger()[0]}) == 1


def test_a_body_in_pieces_arrives_whole(receiver):
    with socket.create_connection(("127.0.0.1", receiver.port), 5) as sock:
        for piece in (b"POST /ec", b"ho HTTP/1.1\r\nContent-Length: 6\r\n", b"\r\nabc", b"def"):
            sock.sendall(piece)
        assert sock.recv(4096).endswith(b"abcdef")


def test_fail_then_ok_counts_each_nonce_by_itself(receiver):
    codes = [ask(receiver, "/fail-then-ok/2", headers={"X-Nonce": nonce})[0] for nonce in "aabaab"]
    assert codes == [503, 503, 503, 200, 200, 503]


def test_a_reset_is_seen_as_a_reset(receiver):
    with pytest.raises(ConnectionResetError):
        ask(receiver, "/reset")
    assert [end.whole for end in receiver.stopped_ledger()[1]] == [False]


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_path_without_an_end_never_answers_whole(receiver, path):
    with socket.create_connection(("127.0.0.1", receiver.port), 5) as sock:
        sock.sendall(b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % path.encode())
        wait_until(lambda: receiver.count().get("arrival") == 1, 60, "the arrival")
    wait_until(lambda: receiver.count().get("end") == 1, 60, "the end of the given up request")
    assert [end.whole for end in receiver.stopped_ledger()[1]] == [False]


def test_a_stalled_request_is_answered_on_demand(receiver):
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=60)
    connection.request("POST", "/stall", b"", HEADERS)
    wait_until(lambda: receiver.count()["stalled"] == 1, 60, "one stalled request")
    assert receiver.count().get("end") is None
    assert receiver.release() == 1
    assert connection.getresponse().status == 200
    connection.close()


def test_a_request_cut_in_the_middle_is_no_arrival(receiver):
    with socket.create_connection(("127.0.0.1", receiver.port), 5) as sock:
        sock.sendall(b"POST /ok HTTP/1.1\r\nContent-Length: 6\r\n\r\nabc")
    wait_until(lambda: receiver.count().get("partial") == 1, 60, "the partial request")
    assert receiver.stopped_ledger() == ([], [])


def test_what_is_no_request_is_refused(receiver):
    with socket.create_connection(("127.0.0.1", receiver.port), 5) as sock:
        sock.sendall(b"POST /ok HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")


def test_the_ledger_of_an_earlier_receiver_is_continued(tmp_path):
    for _ in range(2):
        with ReceiverProcess(tmp_path) as receiver:
            ask(receiver, "/ok")
    assert len(read_arrivals(receiver.ledger_path)[0]) == 2
