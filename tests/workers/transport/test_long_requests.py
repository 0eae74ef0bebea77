"""Requests that take long, through a router that forgets silent connections."""

import sys

import pytest

from tests.support.forgetful_proxy import ForgetfulProxy
from tests.support.scripted_receivers import OK, read_request
from workers.transport import connection
from workers.transport.outcome import Unreachable
from workers.transport.wire_format import Request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how many packets have come")
TAKES_S, FORGETS_AFTER_S = 7.0, 2.5  # as twenty minutes to sixty seconds, and shorter


def answering_after(seconds):
    def script(conn, receiver):
        receiver.requests.append(read_request(conn))
        receiver.closing.wait(seconds)
        conn.sendall(OK)

    return script


def paths_of(target):
    return sorted(request.split(b" ", 2)[1] for request in target.requests)


def begin(sender, proxy, count, timeout_ms):
    urls = [f"http://127.0.0.1:{proxy.port}/{number}" for number in range(count)]
    return [sender.begin(Request("GET", url, {}, None, timeout_ms)) for url in urls]


def test_two_hundred_long_requests_through_a_router_that_forgets_are_each_answered_once(
    receiver, transport, monkeypatch
):
    monkeypatch.setattr(connection, "KEEP_ALIVE_S", 1)
    target = receiver(answering_after(TAKES_S))

    with ForgetfulProxy(target.port, FORGETS_AFTER_S) as proxy:
        answers = [answer.result(60) for answer in begin(transport(), proxy, 200, 60_000)]

    assert [answer.status_code for answer in answers] == [200] * 200
    assert paths_of(target) == sorted(b"/%d" % number for number in range(200))
    assert proxy.forgotten == 0


def test_a_silent_connection_is_forgotten_and_its_answer_lost(receiver, transport, monkeypatch):
    monkeypatch.setattr(connection, "KEEP_ALIVE_S", 60)
    target = receiver(answering_after(1.0))

    with ForgetfulProxy(target.port, 0.3) as proxy:
        answers = [answer.result(60) for answer in begin(transport(), proxy, 5, 2_000)]

    assert all(isinstance(answer, Unreachable) and answer.reason == "timeout" for answer in answers)
    assert proxy.forgotten == 5


def test_keep_alive_comes_well_before_balancers_forget():
    assert connection.KEEP_ALIVE_S * 2 < 60
