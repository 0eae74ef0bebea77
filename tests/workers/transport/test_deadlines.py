"""B1: one deadline for the whole attempt, whatever the target does. Without it these targets would go on forever."""

import contextlib
import socket
import threading

import pytest

from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, answering, answering_once, dripping, not_reading, reading_slowly
from tests.support.waiting import wait_until
from workers.transport import race
from workers.transport.outcome import Unreachable
from workers.transport.wire_format import Request

TIMEOUT_MS = 400

SILENT = {
    "silence": dripping(b"", b"", 0.1),
    "status line drip": dripping(b"HTTP/1.1 200 ", b"O", 0.05),
    "100 flood": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "not reading": not_reading,
    "reading slowly": reading_slowly,
}
DRIPS = {
    "header drip": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "header byte drip": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "body drip": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"),
    "endless body drip": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "chunk drip": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "chunk line drip": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "trailer drip": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
}


def test_a7_a_duration_is_told_to_the_microsecond(receiver, send):
    timings = send(receiver(answering(OK)).url()).timings

    for duration_ms in (timings.connect_ms, timings.first_byte_ms, timings.total_ms):
        assert round(duration_ms, 3) == duration_ms


@pytest.mark.parametrize("case", SILENT)
def test_b1_an_attempt_ends_at_its_deadline(receiver, send, case):
    target = receiver(SILENT[case])
    outcome = send(target.url(), method="POST", body=b"x" * 8_000_000, timeout_ms=TIMEOUT_MS)
    assert (type(outcome), outcome.reason) == (Unreachable, "timeout")
    assert outcome.timings.total_ms >= TIMEOUT_MS


@pytest.mark.parametrize("case", DRIPS)
def test_t3_an_answer_that_drips_behind_its_status_is_cut_at_the_deadline(receiver, transport, case):
    """It was performed again: whether a job worked hung on the speed of what nobody keeps."""
    first, drop = DRIPS[case]
    target = receiver(dripping(first, drop, 0.01))

    outcome = transport().send_until_heard(Request("GET", target.url(), {}, None, 1), len(first + drop))

    assert (outcome.status_code, outcome.truncated, outcome.unreadable) == (200, True, False)
    assert 0 < outcome.timings.first_byte_ms < outcome.timings.total_ms


def test_b1_a_slow_lookup_is_part_of_the_attempt(send):
    let_go = threading.Event()

    outcome = send("http://slow.example/", timeout_ms=300, look_up=lambda host, port: let_go.wait(10) and [])

    let_go.set()
    assert outcome.reason == "connect"
    assert outcome.timings.total_ms >= 300


@pytest.fixture
def silent_address():
    """127.0.0.2 with a port that answers no SYN, since its queue is full."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.2", 0))
        full.listen(0)
        for _ in range(3):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def test_b1_a_request_whose_time_ends_just_as_it_is_to_connect_fails(silent_address, transport):
    """It ended without an outcome. Of 3,000 requests to a silent target 282 kept their slots, and none was claimed."""
    sender = transport()
    outcome = sender.begin_out_of_time(Request("GET", f"http://127.0.0.2:{silent_address}/", {}, None, 0)).result(5)

    assert (type(outcome), outcome.reason) == (Unreachable, "connect")
    wait_until(lambda: not sender.transport._pool._lanes)
    assert sender.transport.unsent._count == 0


@pytest.fixture
def two_addresses(silent_address, receiver, transport):
    """A transport, and the URL of a name whose first address is silent."""
    target = receiver(answering_once(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), port=silent_address)
    return transport(look_up=Names(two_example=[["127.0.0.2", "127.0.0.1"]])), target.url(host="two.example")


def test_t4_the_next_address_is_tried_after_a_quarter_of_a_second(two_addresses):
    """Each job waited for half of its time before the second address of the name was tried."""
    sender, url = two_addresses
    outcome = sender.send(Request("GET", url, {}, None, timeout_ms=900_000))
    assert outcome.status_code == 200
    assert outcome.timings.connect_ms >= 200


def test_t4_the_address_that_answered_is_tried_first_at_the_next_attempt(two_addresses, monkeypatch):
    sender, url = two_addresses
    assert sender.send(Request("GET", url, {}, None, 30_000)).status_code == 200
    monkeypatch.setattr(race, "NEXT_AFTER_S", 900)
    assert sender.send(Request("GET", url, {}, None, 5_000)).status_code == 200


def test_t4_an_address_that_answered_long_ago_is_not_preferred(two_addresses, monkeypatch):
    monkeypatch.setattr(race, "REMEMBERED_S", -1)
    sender, url = two_addresses
    assert sender.send(Request("GET", url, {}, None, 30_000)).status_code == 200
    monkeypatch.setattr(race, "NEXT_AFTER_S", 900)
    assert sender.send(Request("GET", url, {}, None, 300)).reason == "connect"
