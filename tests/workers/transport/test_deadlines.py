"""B1: one deadline for the whole attempt, whatever the target does."""

import time

import pytest

from tests.support.resolvers import Names
from tests.support.scripted_receivers import dripping, not_reading, reading_slowly
from workers.transport.outcome import Failed, Unreachable

TIMEOUT_MS = 400
TOO_LATE_S = 5  # without the deadline these targets would go on for ever

DRIPS = {
    "silence": dripping(b"", b"", 0.1),
    "status line drip": dripping(b"HTTP/1.1 200 ", b"O", 0.05),
    "header drip": dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05),
    "header byte drip": dripping(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.05),
    "100 flood": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),
    "body drip": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x", 0.05),
    "endless body drip": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x", 0.05),
    "chunk drip": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.05),
    "chunk line drip": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x", 0.05),
    "trailer drip": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n", 0.05),
    "not reading": not_reading,
    "reading slowly": reading_slowly,
}


@pytest.mark.parametrize("case", DRIPS)
def test_b1_an_attempt_ends_at_its_deadline(receiver, send, case):
    target = receiver(DRIPS[case])
    started_s = time.monotonic()
    outcome = send(target.url(), method="POST", body=b"x" * 8_000_000, timeout_ms=TIMEOUT_MS)
    took_s = time.monotonic() - started_s
    assert isinstance(outcome, Unreachable), outcome
    assert outcome.reason == "timeout"
    assert TIMEOUT_MS / 1000 <= took_s < TOO_LATE_S
    assert outcome.timings.total_ms >= TIMEOUT_MS


def test_b1_the_first_byte_is_timed_even_when_the_rest_never_comes(receiver, send):
    outcome = send(receiver(DRIPS["header drip"]).url(), timeout_ms=1000)
    assert 0 < outcome.timings.first_byte_ms < outcome.timings.total_ms


def test_b1_a_slow_lookup_is_part_of_the_attempt(receiver, send):
    class Slow(Names):
        def addresses(self, host, port, within_s, owner):
            assert within_s <= 0.3
            raise Failed("timeout", "slow")

    outcome = send("http://slow.example/", timeout_ms=300, resolver=Slow())
    assert outcome.reason == "connect"


def test_b1_a_silent_address_leaves_time_for_the_next(receiver, send):
    import socket

    target = receiver(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", 0.1))
    with socket.socket() as full:
        full.bind(("127.0.0.2", target.port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        names = Names(two_example=[["127.0.0.2", "127.0.0.1"]])
        outcome = send(target.url(host="two.example"), timeout_ms=2000, resolver=names)
        for each in waiting:
            each.close()
    assert outcome.status_code == 200
    assert 1000 <= outcome.timings.connect_ms < 2000
