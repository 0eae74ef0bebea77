"""Which connections are used again, and which are not."""

import asyncio
import functools
import socket
import threading
import time
from pathlib import Path

import pytest

from models.rules.url_rules import split_url
from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, answering, answering_once, read_request
from tests.support.waiting import wait_until
from workers.transport import idle_connections
from workers.transport.answer_reader import MAX_BODY_READ_BYTES
from workers.transport.connection import Origin
from workers.transport.pool import AT_FIRST, AT_LEAST_MORE, Pool
from workers.transport.wire_format import Request


def get(target, **kwargs) -> Request:
    return Request("GET", target.url(**kwargs), {}, None, 5000)


def test_a_second_request_uses_the_open_connection_without_a_lookup(receiver, transport):
    names = Names(shop_example=[["127.0.0.1"], ["10.0.0.1"]])
    sender, target = transport(look_up=names), receiver(answering(OK))
    for _ in range(3):
        assert sender.send(get(target, host="shop.example")).status_code == 200
    assert (len(target.connections), names.lookups) == (1, ["shop.example"])


def test_connections_are_not_shared_between_origins(receiver, transport):
    names = Names(a_example=[["127.0.0.1"]], b_example=[["127.0.0.1"]])
    sender, target = transport(look_up=names), receiver(answering(OK))
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


def test_a_connection_with_a_rest_of_a_body_is_not_reused(receiver, transport):
    """A connection on which the rest of a body may still come is not used again."""
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


def test_bytes_on_an_idle_connection_are_not_the_next_answer(receiver, transport):
    """Bytes that come on an idle connection are not taken for the next answer."""
    forged = b"HTTP/1.1 500 forged\r\nContent-Length: 0\r\n\r\n"
    forge, sent = threading.Event(), threading.Event()

    def late(conn, receiver):
        read_request(conn)
        conn.sendall(OK)
        if len(receiver.connections) == 1:
            forge.wait(60)
            conn.sendall(forged)
            sent.set()
        read_request(conn)

    sender, target = transport(), receiver(late)
    assert sender.send(get(target)).status_code == 200

    forge.set()
    assert sent.wait(60)
    assert sender.send(get(target)).status_code == 200


def test_an_idle_connection_on_which_bytes_come_is_closed_at_once(receiver, transport, monkeypatch):
    """What follows on it would belong to what came, not to the next request."""
    monkeypatch.setattr(idle_connections, "MAX_IDLE_S", 1000)
    answered = threading.Event()

    def half_an_answer_unasked(conn, receiver):
        read_request(conn)
        conn.sendall(OK)
        answered.wait(60)
        conn.sendall(b"HTTP/1.1 408 Request Timeout\r\n")
        receiver.requests.append(read_request(conn))

    sender, target = transport(), receiver(half_an_answer_unasked)
    assert sender.send(get(target)).status_code == 200

    answered.set()

    wait_until(lambda: target.requests == [b""])


def closing_when_asked_again(answer=b"", reset=False):
    """Answers the first request of a connection, and the second one with `answer` and the end of the connection; a
    third connection is answered for ever."""

    def script(conn, receiver):
        receiver.requests.append(read_request(conn))
        conn.sendall(OK)
        if len(receiver.connections) > 1:
            answering(OK)(conn, receiver)
            return
        receiver.requests.append(read_request(conn))
        conn.sendall(answer)
        if reset:
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    return script


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_t1_a_reused_connection_that_closes_without_a_byte_costs_no_attempt(receiver, transport, reset, method):
    """Up to four in a hundred attempts failed, wherever a target closes idle connections."""
    target, sender = receiver(closing_when_asked_again(reset=reset)), transport()
    request = Request(method, target.url(), {}, b"x" if method == "POST" else None, 5000)

    first, second = (sender.send(request) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert second.timings.connect_ms > 0
    assert (len(target.requests), len(target.connections)) == (3, 2)


def test_t1_a_request_is_sent_no_more_than_twice(receiver, transport):
    def never_answering_again(conn, receiver):
        receiver.requests.append(read_request(conn))
        if len(receiver.requests) == 1:
            conn.sendall(OK)
            receiver.requests.append(read_request(conn))

    target, sender = receiver(never_answering_again), transport()
    first, second = (sender.send(get(target)) for _ in range(2))
    assert (first.status_code, second.reason) == (200, "reset")
    assert len(target.requests) == 3


def test_t1_a_request_is_not_sent_again_when_a_byte_of_an_answer_came(receiver, transport):
    target, sender = receiver(closing_when_asked_again(answer=b"HTTP")), transport()
    first, second = (sender.send(get(target)) for _ in range(2))
    assert (first.status_code, second.reason) == (200, "reset")
    assert len(target.requests) == 2


def test_t1_a_request_on_a_new_connection_is_sent_once(receiver, transport):
    target, sender = receiver(answering_once(b"")), transport()
    assert sender.send(get(target)).reason == "reset"
    assert len(target.requests) == 1


def test_t9_accounts_share_no_connection(receiver, transport):
    """What a target had sent too late for one account was kept in the log of another."""
    target, sender = receiver(answering(OK)), transport()
    for owner in (1, 2, 1, -1):  # the last is a follow-up of the first
        request = Request("GET", target.url(), {}, None, 5000, owner)
        assert sender.send(request).status_code == 200
    assert len(target.connections) == 3


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
    ],
)
def test_t9_a_connection_is_not_used_again_when_the_answer_had_no_body(receiver, transport, method, answer):
    """A target may send one all the same, a moment later."""
    target, sender = receiver(answering(answer)), transport()
    for _ in range(2):
        sender.send(Request(method, target.url(), {}, None, 5000))
    assert len(target.connections) == 2


def test_t7_connections_are_kept_alive_through_routers_that_forget_silent_ones(receiver, transport):
    inode_of_timer = {}

    def slowly(conn, receiver):
        read_request(conn)
        inode_of_timer.update(keep_alive_timers())
        conn.sendall(OK)

    target = receiver(slowly)
    assert transport().send(Request("GET", target.url(), {}, None, 900_000)).status_code == 200
    assert 0 < inode_of_timer[target.port] <= 60


def keep_alive_timers():
    """For each remote port the seconds until the keep-alive timer of a connection to it is due."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    keep_alive = [(line[2], line[5]) for line in lines if line[5].startswith("02:")]
    return {int(remote.split(":")[1], 16): int(timer.split(":")[1], 16) / 100 for remote, timer in keep_alive}


class Unused:
    """A connection as the pool sees it, and a request that wants one; it keeps what it was sent on."""

    def __init__(self, host):
        self.origin, self.is_open, self.is_closed = Origin(1, "http", host, 80), True, False
        self.idle_since_s = self.opened_at_s = time.monotonic()
        self.sent_on, self.is_dialing = None, False

    def dial(self):
        self.is_dialing = True

    def send_on(self, connection):
        self.sent_on = connection

    def release(self):
        pass

    def close(self):
        self.is_closed = True


def put(pool, *connections):
    """Each is opened for a request; then the requests are over."""
    for connection in connections:
        pool.serve(connection.origin, connection)
    for connection in connections:
        pool.put(connection)


def taken(pool, origin):
    """The connection of the pool on which the next request to this origin is sent, or None."""
    request = Unused(origin.host)
    pool.serve(origin, request)
    return request.sent_on


def on_a_loop(test):
    """Run a test of what belongs to the loop."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        async def body():
            test(*args, **kwargs)

        asyncio.run(body())

    return run


@on_a_loop
def test_the_connection_idle_for_longest_is_closed_when_there_are_too_many():
    pool = Pool(2)
    first, second, third = (Unused(host) for host in "aba")
    put(pool, first, second, third)
    assert [first.is_closed, second.is_closed, third.is_closed] == [True, False, False]
    assert taken(pool, third.origin) is third
    assert taken(pool, third.origin) is None


@on_a_loop
def test_the_connection_used_last_is_taken_first_and_closed_ones_are_passed_over():
    pool = Pool(9)
    old, closed = Unused("a"), Unused("a")
    put(pool, old, closed)
    closed.is_open = False
    assert taken(pool, old.origin) is old
    assert len(pool.idle) == 0


@pytest.fixture
def queue():
    """A pool, and more requests to an origin than it opens connections for at first."""
    pool, requests = Pool(99), [Unused("a") for _ in range(AT_FIRST + 20)]
    return pool, requests, requests[AT_FIRST:]


def serve(pool, requests):
    for request in requests:
        pool.serve(request.origin, request)


@on_a_loop
def test_requests_wait_in_turn_for_the_connections_that_come_free(queue):
    pool, requests, waiting = queue
    serve(pool, requests)
    assert [request.is_dialing for request in requests].count(True) == AT_FIRST

    pool.put(requests[0])
    pool.drop(requests[1])

    assert (waiting[0].sent_on, waiting[1].is_dialing) == (requests[0], True)
    assert not any(request.sent_on or request.is_dialing for request in waiting[2:])


@on_a_loop
def test_a_request_that_waits_no_longer_is_passed_over(queue):
    pool, requests, waiting = queue
    serve(pool, requests)
    pool.leave(waiting[0].origin, waiting[0])
    pool.put(requests[0])
    assert (waiting[0].sent_on, waiting[1].sent_on) == (None, requests[0])


@pytest.mark.parametrize(("freed", "opened"), [(AT_FIRST // 2 - 1, AT_LEAST_MORE), (AT_FIRST // 2, 0)])
@on_a_loop
def test_more_connections_are_opened_while_most_do_not_come_free(queue, freed, opened):
    pool, requests, waiting = queue
    serve(pool, requests)
    for connection in requests[:freed]:
        pool.put(connection)

    pool._look(pool._lanes[requests[0].origin])

    assert [request.is_dialing for request in waiting].count(True) == opened


@on_a_loop
def test_an_origin_without_connections_is_forgotten():
    pool, connection = Pool(9), Unused("a")
    put(pool, connection)
    assert (len(pool._lanes), len(pool.idle._by_origin)) == (0, 1)
    connection.on_closed(connection)
    assert not pool.idle._by_origin


def test_connections_that_wait_too_long_are_closed_though_no_other_comes(receiver, transport, monkeypatch):
    monkeypatch.setattr(idle_connections, "MAX_IDLE_S", 0.05)
    sender, target = transport(), receiver(answering(OK))
    sender.send(get(target))
    wait_until(lambda: target.connections[0].fileno() == -1)


@pytest.mark.parametrize("limit", ["MAX_IDLE_S", "MAX_AGE_S"])
def test_an_old_connection_is_not_used_again(receiver, transport, monkeypatch, limit):
    monkeypatch.setattr(idle_connections, limit, -1.0)
    sender, target = transport(), receiver(answering(OK))
    for _ in range(2):
        sender.send(get(target))
    assert len(target.connections) == 2


def test_closing_the_transport_closes_connections_and_ends_its_threads(receiver, transport):
    def hanging(conn, receiver):
        receiver.requests.append(read_request(conn))
        receiver.closing.wait(10)

    idle, busy, sender = receiver(answering(OK)), receiver(hanging), transport()
    sender.send(get(idle))
    under_way = sender.begin(get(busy))
    wait_until(lambda: busy.requests)

    sender.close()

    wait_until(lambda: idle.connections[0].fileno() == -1)
    assert not under_way.done()
    assert not any(thread.name == "transport" for thread in threading.enumerate())


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
