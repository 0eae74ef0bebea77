"""Which connections are used again, and which are not."""

import threading

import pytest

from models.rules.url_rules import split_url
from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, answering, answering_once, read_request
from tests.support.waiting import wait_until
from workers.transport import connection_pool
from workers.transport.connection_pool import IdleConnections
from workers.transport.outbound import Request
from workers.transport.response_reader import MAX_BODY_READ_BYTES


def get(target, **kwargs) -> Request:
    return Request("GET", target.url(**kwargs), {}, None, 5000)


def test_a_second_request_uses_the_open_connection_without_a_lookup(receiver, transport):
    names = Names(shop_example=[["127.0.0.1"], ["10.0.0.1"]])
    sender, target = transport(resolver=names), receiver(answering(OK))
    for _ in range(3):
        assert sender.send(get(target, host="shop.example")).status_code == 200
    assert (len(target.connections), names.lookups) == (1, ["shop.example"])


def test_connections_are_not_shared_between_origins(receiver, transport):
    names = Names(a_example=[["127.0.0.1"]], b_example=[["127.0.0.1"]])
    sender, target = transport(resolver=names), receiver(answering(OK))
    for host in ("a.example", "b.example", "a.example"):
        sender.send(get(target, host=host))
    assert len(target.connections) == 2


NOT_KEPT = {
    "the target says so": b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
    "the target says so in a list": b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a second answer came unasked": OK + OK,
    "a body came with 204": b"HTTP/1.1 204 x\r\nContent-Length: 2\r\n\r\nok",
    "the body was not read to its end": b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000,
}


@pytest.mark.parametrize("case", NOT_KEPT)
def test_a_connection_is_not_used_again_when(receiver, transport, case):
    sender, target = transport(), receiver(answering(NOT_KEPT[case]))
    for _ in range(2):
        assert sender.send(get(target)).status_code in (200, 204)
    assert len(target.connections) == 2


def test_a_connection_on_which_the_rest_of_a_body_may_still_come_is_not_used_again(receiver, transport):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"
    sender, target = transport(), receiver(answering(head + b"x" * MAX_BODY_READ_BYTES))
    for _ in range(2):
        assert sender.send(get(target)).truncated
    assert len(target.connections) == 2


def test_a_connection_whose_answer_failed_is_not_used_again(receiver, transport):
    sender = transport()
    target = receiver(answering(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", OK))
    sender.send(get(target))
    wait_until(lambda: target.connections[0].fileno() == -1)


def test_a_connection_that_the_target_closed_meanwhile_is_replaced(receiver, transport):
    sender, target = transport(), receiver(answering_once(OK))
    for _ in range(3):
        assert sender.send(get(target)).status_code == 200
        wait_until(lambda: target.connections[-1].fileno() == -1)
    assert len(target.requests) == 3


def test_bytes_that_come_on_an_idle_connection_are_not_taken_for_the_next_answer(receiver, transport):
    forged = b"HTTP/1.1 500 forged\r\nContent-Length: 0\r\n\r\n"
    asked, sent = threading.Event(), threading.Event()

    def late(conn, receiver):
        read_request(conn)
        conn.sendall(OK)
        if len(receiver.connections) == 1:
            asked.wait(60)
            conn.sendall(forged)
            sent.set()
        read_request(conn)

    sender, target = transport(), receiver(late)
    assert sender.send(get(target)).status_code == 200
    asked.set()
    assert sent.wait(60)
    assert sender.send(get(target)).status_code == 200


def test_a_request_is_never_sent_twice(receiver, transport):
    def closing_second(conn, receiver):
        for _ in range(2):
            receiver.requests.append(read_request(conn))
            if len(receiver.requests) == 1:
                conn.sendall(OK)

    sender, target = transport(), receiver(closing_second)
    sender.send(get(target))
    assert sender.send(get(target)).reason == "reset"
    assert len(target.requests) == 2


class Unused:
    """A connection as the idle ones see it."""

    def __init__(self, origin, quiet=True):
        self.origin, self.quiet, self.closed, self.idle_since_s = origin, quiet, False, 0.0

    def is_usable(self, now_s):
        return self.quiet

    def close(self):
        self.closed = True


def test_the_connection_idle_for_longest_is_closed_when_there_are_too_many():
    idle = IdleConnections(2)
    first, second, third = (Unused(("http", name, 80)) for name in "aba")
    for each in (first, second, third):
        idle.put(each)
    assert [first.closed, second.closed, third.closed] == [True, False, False]
    assert idle.take(("http", "a", 80)) is third
    assert idle.take(("http", "a", 80)) is None


def test_the_connection_used_last_is_taken_first_and_unusable_ones_are_closed():
    idle = IdleConnections(9)
    old, bad = Unused(("http", "a", 80)), Unused(("http", "a", 80), quiet=False)
    idle.put(old)
    idle.put(bad)
    assert idle.take(("http", "a", 80)) is old
    assert bad.closed


def test_a_connection_that_waited_too_long_is_closed_when_another_comes(monkeypatch):
    monkeypatch.setattr(connection_pool, "MAX_IDLE_S", -1.0)
    idle = IdleConnections(9)
    waiting = Unused(("http", "a", 80))
    idle.put(waiting)
    assert waiting.closed


@pytest.mark.parametrize("limit", ["MAX_IDLE_S", "MAX_AGE_S"])
def test_an_old_connection_is_not_used_again(receiver, transport, monkeypatch, limit):
    monkeypatch.setattr(connection_pool, limit, -1.0)
    sender, target = transport(), receiver(answering(OK))
    for _ in range(2):
        sender.send(get(target))
    assert len(target.connections) == 2


def test_closing_the_transport_closes_idle_connections_and_later_ones(receiver, transport):
    sender, target = transport(), receiver(answering(OK))
    sender.send(get(target))
    sender.close()
    wait_until(lambda: target.connections[0].fileno() == -1)
    assert sender.send(get(target)).status_code == 200
    wait_until(lambda: target.connections[1].fileno() == -1)


def test_many_threads_share_one_transport(receiver, transport):
    sender, targets = transport(connections=8), [receiver(answering(OK)) for _ in range(3)]
    outcomes = []

    def send_some(number):
        for turn in range(20):
            outcomes.append(sender.send(get(targets[(number + turn) % 3])))

    threads = [threading.Thread(target=send_some, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {outcome.status_code for outcome in outcomes} == {200}
    assert sum(len(target.requests) for target in targets) == len(outcomes) == 320


def test_an_origin_is_scheme_host_and_port():
    assert len({split_url(url)[:3] for url in ("http://a/", "https://a/", "http://a:443/", "http://b/")}) == 4
