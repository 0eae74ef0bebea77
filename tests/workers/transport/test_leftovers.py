"""What an attempt leaves behind, however it ends: nothing that it held, and nothing goes out after it."""

import asyncio
import threading

import pytest

from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, answering, answering_once, read_request
from tests.support.waiting import wait_until
from workers.transport import deadline, pool
from workers.transport.deadline import Permission
from workers.transport.wire_format import Request

PUBLIC = "127.0.0.2"


def get(url):
    return Request("GET", url, {}, None, 30_000)


def silent(conn, receiver):
    """Reads a request, and answers nothing as long as the test lasts."""
    receiver.requests.append(read_request(conn))
    receiver.requests.append(read_request(conn))


def deaf(conn, receiver):
    """Takes what comes, and says nothing: no handshake of TLS comes to an end."""
    while conn.recv(65536):
        pass


def a_bad_url(receiver, transport, monkeypatch):
    return transport(), None, "ftp://a.example/", "blocked_url"


def a_refused_literal(receiver, transport, monkeypatch):
    return transport(), None, "http://10.0.0.1/", "blocked_address"


def a_refused_name(receiver, transport, monkeypatch):
    return transport(look_up=Names(a_example=[["10.0.0.1"]])), None, "http://a.example/", "blocked_address"


def a_name_without_addresses(receiver, transport, monkeypatch):
    return transport(look_up=Names(a_example=[[]])), None, "http://a.example/", "dns"


def a_closed_port(receiver, transport, monkeypatch):
    target = receiver(silent)
    target.close()
    return transport(), None, target.url(), "connect"


def a_refused_peer(receiver, transport, monkeypatch):
    """The address may be reached; what answers there turns out to be Booper's own API."""
    target = receiver(silent)
    own = frozenset({("127.0.0.1", target.port)})
    return transport("0.0.0.0/0", own=own), target, target.url(host="0.0.0.0"), "blocked_address"


def no_tls(receiver, transport, monkeypatch):
    def in_plain_http(conn, started):
        conn.recv(65536)
        conn.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    target = receiver(in_plain_http)
    return transport(), target, target.url().replace("http:", "https:"), "tls"


def a_reset(receiver, transport, monkeypatch):
    target = receiver(answering_once(b"HTTP/1.1 2", reset=True))
    return transport(), target, target.url(), "reset"


def no_http(receiver, transport, monkeypatch):
    target = receiver(answering(b"220 mail.example ESMTP\r\n"))
    return transport(), target, target.url(), "protocol"


def an_answer_that_closes(receiver, transport, monkeypatch):
    target = receiver(answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
    return transport(), target, target.url(), None


ENDS = (
    *(a_bad_url, a_refused_literal, a_refused_name, a_name_without_addresses, a_closed_port, a_refused_peer),
    *(no_tls, a_reset, no_http, an_answer_that_closes),
)


def holds_nothing(transport):
    lookups = transport._dialer._lookups
    kept = transport._under_way, transport._pool._lanes, transport._pool.idle, lookups._known
    return not any(map(len, kept)) and not transport.unsent._count and lookups._idle == len(lookups._threads)


@pytest.mark.parametrize("end", ENDS)
def test_an_attempt_that_ends_leaves_nothing_open(receiver, transport, monkeypatch, end):
    sender, target, url, reason = end(receiver, transport, monkeypatch)

    outcomes = [sender.send(get(url)) for _ in range(2)]

    assert [getattr(outcome, "reason", None) for outcome in outcomes] == [reason] * 2
    wait_until(lambda: holds_nothing(sender.transport))
    if target:
        wait_until(lambda: [conn.fileno() for conn in target.connections] == [-1, -1])


def a_lookup(receiver, transport, monkeypatch):
    question, let_go = threading.Event(), threading.Event()

    def look_up(host, port):
        question.set()
        let_go.wait(60)
        return [PUBLIC]

    return transport(look_up=look_up), None, "http://a.example/", question.is_set, let_go.set


def a_handshake(receiver, transport, monkeypatch):
    target = receiver(deaf)
    url = target.url().replace("http:", "https:")
    return transport(), target, url, lambda: target.connections, lambda: None


def an_answer(receiver, transport, monkeypatch):
    target = receiver(silent)
    return transport(), target, target.url(), lambda: target.requests, lambda: None


def a_permission(receiver, transport, monkeypatch):
    """Whether the request may go is said after its time."""
    monkeypatch.setattr(deadline, "LOOK_AFTER_MS", -1)
    question, let_go = threading.Event(), threading.Event()

    async def answer(_key, _count_anew):
        question.set()
        await asyncio.to_thread(let_go.wait, 60)
        return Permission(True)

    target = receiver(silent)
    return transport(is_wanted=answer), target, target.url(), question.is_set, let_go.set


WAITS = (a_lookup, a_handshake, an_answer, a_permission)


@pytest.mark.parametrize("wait", WAITS)
def test_an_attempt_whose_time_ends_while_it_waits_leaves_nothing_open(receiver, transport, monkeypatch, wait):
    sender, target, url, waits, let_go = wait(receiver, transport, monkeypatch)
    answer = sender.begin(get(url))
    wait_until(waits)
    requests = len(target.requests) if target else 0

    monkeypatch.setattr(deadline.Deadline, "left_s", lambda _: 0.0)
    sender.expire()

    assert answer.result(30).reason in ("timeout", "connect")
    let_go()
    wait_until(lambda: holds_nothing(sender.transport))
    if target:
        wait_until(lambda: target.connections[0].fileno() == -1)
        assert len([each for each in target.requests if each]) == requests


def test_a_request_whose_time_ended_while_it_waited_for_a_connection_never_goes_out(receiver, transport, monkeypatch):
    """Its attempt is over, and the next may be under way."""
    monkeypatch.setattr(pool, "AT_FIRST", 1)
    monkeypatch.setattr(pool, "AT_MOST_MORE", 0)
    let_go = threading.Event()

    def script(conn, started):
        let_go.wait(60)
        answering(OK)(conn, started)

    target, sender = receiver(script), transport()
    first = sender.begin(get(target.url("/first")))
    wait_until(lambda: target.connections)
    late = Request("GET", target.url("/late"), {}, None, 50)
    assert sender.send(late).reason == "connect"

    let_go.set()

    assert first.result(30).status_code == 200
    assert sender.send(get(target.url("/third"))).status_code == 200
    assert [request.split()[1] for request in target.requests] == [b"/first", b"/third"]
    assert not sender.transport._pool._lanes
