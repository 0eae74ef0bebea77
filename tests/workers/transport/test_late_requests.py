"""Requests that wait: for a connection that comes free, or for whether they are still wanted."""

import asyncio
import threading

import pytest

from tests.support.scripted_receivers import OK, answering
from tests.support.waiting import wait_until
from workers.transport import exchange, pool
from workers.transport.outcome import Refused, Unreachable
from workers.transport.wire_format import Request


def get(target, timeout_ms=30_000):
    return Request("GET", target.url(), {}, None, timeout_ms)


@pytest.fixture
def lone_connection(monkeypatch):
    """An origin gets one connection and no more."""
    monkeypatch.setattr(pool, "AT_FIRST", 1)
    monkeypatch.setattr(pool, "AT_MOST_MORE", 0)


@pytest.fixture
def slow(receiver):
    """A receiver that answers when it may, and what lets it."""
    may_answer = threading.Event()

    def script(conn, started):
        may_answer.wait(60)
        answering(OK)(conn, started)

    return receiver(script), may_answer.set


def test_a_request_for_which_no_connection_comes_free_ends_at_its_deadline(lone_connection, slow, transport):
    (target, let_go), sender = slow, transport()
    first = sender.begin(get(target))
    wait_until(lambda: target.connections)

    late = sender.send(get(target, timeout_ms=100))

    assert (type(late), late.reason, late.timings.connect_ms) == (Unreachable, "connect", None)
    assert late.timings.total_ms >= 100
    let_go()
    assert first.result(30).status_code == 200
    assert len(target.requests) == 1


def test_a_request_that_waited_for_a_connection_goes_out_on_it(lone_connection, slow, transport):
    (target, let_go), sender = slow, transport()
    answers = [sender.begin(get(target)) for _ in range(3)]
    wait_until(lambda: target.connections)
    let_go()
    assert [answer.result(30).status_code for answer in answers] == [200] * 3
    assert len(target.connections) == 1


@pytest.fixture
def all_late(monkeypatch):
    """Every request is asked about before it goes out."""
    monkeypatch.setattr(exchange, "LOOK_AFTER_MS", -1)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_t10_a_late_request_goes_out_only_if_it_is_wanted(all_late, receiver, transport, is_wanted):
    async def answer(_key):
        return is_wanted

    target, sender = receiver(answering(OK)), transport(is_wanted=answer)
    outcomes = [sender.send(get(target)) for _ in range(2)]

    assert [type(outcome) is Refused for outcome in outcomes] == [not is_wanted] * 2
    assert (len(target.requests), len(target.connections)) == (2 * is_wanted, 1)


def test_t10_a_request_about_which_nobody_answers_ends_at_its_deadline_unsent(all_late, receiver, transport):
    question = threading.Event()

    async def unanswered(_key):
        question.set()
        await asyncio.Event().wait()

    target, sender = receiver(answering(OK)), transport(is_wanted=unanswered)
    answer = sender.begin(get(target))
    assert question.wait(60)

    sender.expire()

    outcome = answer.result(30)
    assert (type(outcome), outcome.reason) == (Unreachable, "timeout")
    assert target.requests == []
