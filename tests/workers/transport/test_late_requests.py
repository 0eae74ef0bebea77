"""Requests that wait: for a connection that comes free, or for whether they are still wanted."""

import asyncio
import threading
import time

import pytest

from tests.support.resolvers import Names
from tests.support.scripted_receivers import OK, answering
from tests.support.waiting import wait_until
from workers.transport import client, deadline, exchange, pool
from workers.transport.deadline import Permission
from workers.transport.outcome import Refused, Unreachable
from workers.transport.wire_format import Request


def get(target, timeout_ms=30_000, starts_at_ns=None):
    return Request("GET", target.url(), {}, None, timeout_ms, starts_at_ns=starts_at_ns)


def in_s(seconds):
    """So far from now, by the monotonic clock."""
    return time.monotonic_ns() + int(seconds * 1e9)


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
    monkeypatch.setattr(deadline, "LOOK_AFTER_MS", -1)


@pytest.mark.parametrize("is_wanted", [True, False])
def test_t10_a_late_request_goes_out_only_if_it_is_wanted(all_late, receiver, transport, is_wanted):
    async def answer(_key, _count_anew):
        return Permission(is_wanted)

    target, sender = receiver(answering(OK)), transport(is_wanted=answer)
    outcomes = [sender.send(get(target)) for _ in range(2)]

    assert [type(outcome) is Refused for outcome in outcomes] == [not is_wanted] * 2
    wait_until(lambda: target.connections)  # a target of which nothing was requested may accept later
    assert (len(target.requests), len(target.connections)) == (2 * is_wanted, 1)


def test_t10_a_request_about_which_nobody_answers_ends_at_its_deadline_unsent(all_late, receiver, transport):
    question = threading.Event()

    async def unanswered(_key, _count_anew):
        question.set()
        await asyncio.Event().wait()

    target, sender = receiver(answering(OK)), transport(is_wanted=unanswered)
    answer = sender.begin(get(target))
    assert question.wait(60)

    sender.expire()

    outcome = answer.result(30)
    assert (type(outcome), outcome.reason) == (Unreachable, "timeout")
    assert target.requests == []


@pytest.fixture
def questions():
    """Each says whether the start was to be counted anew."""
    return []


def counting(questions, *counted_in_s):
    """Gives every request leave. Its start counts from so many seconds from the answer."""

    async def answer(_key, count_anew):
        questions.append(count_anew)
        return Permission(True, in_s(counted_in_s[len(questions) - 1]) if count_anew else None)

    return answer


def test_a_request_waits_for_the_instant_at_which_it_may_go(receiver, transport):
    target, sender = receiver(answering(OK)), transport()
    held = sender.begin(get(target, starts_at_ns=in_s(3600)))
    assert sender.send(get(target)).status_code == 200
    assert len(target.requests) == 1

    sender.begin_held()

    assert held.result(30).status_code == 200
    assert len(target.requests) == 2


def test_the_wait_for_its_instant_is_not_of_the_time_that_a_request_has(receiver, transport):
    target, sender = receiver(answering(OK)), transport()
    held = sender.begin(get(target, starts_at_ns=in_s(3600)))
    sender.send(get(target))

    began_ns = time.monotonic_ns()
    sender.begin_held()
    total_ms = held.result(30).timings.total_ms

    assert total_ms <= (time.monotonic_ns() - began_ns) / 1e6


def test_requests_that_wait_for_their_instant_end_with_the_transport(receiver, transport):
    target, sender = receiver(answering(OK)), transport()
    held = sender.begin(get(target, starts_at_ns=in_s(3600)))

    sender.close()

    assert (held.done(), target.requests) == (False, [])


def test_a_request_much_later_than_its_start_has_it_count_anew_before_it_goes(receiver, transport, questions):
    target, sender = receiver(answering(OK)), transport(is_wanted=counting(questions, 3600))

    assert sender.send(get(target, starts_at_ns=in_s(-1))).status_code == 200

    assert (questions, sender.went_late) == ([True], [])


def test_a_request_that_goes_soon_after_its_start_is_neither_asked_about_nor_corrected(
    receiver, transport, questions, monkeypatch
):
    for module, name in ((deadline, "LOOK_AFTER_MS"), (exchange, "TOO_LATE_MS"), (exchange, "LATE_MS")):
        monkeypatch.setattr(module, name, 60_000)
    target, sender = receiver(answering(OK)), transport(is_wanted=counting(questions))

    assert sender.send(get(target, starts_at_ns=in_s(0))).status_code == 200

    assert (questions, sender.went_late) == ([], [])


def test_a_request_that_goes_a_little_late_is_corrected_when_it_has_gone(receiver, transport, questions, monkeypatch):
    monkeypatch.setattr(deadline, "LOOK_AFTER_MS", 60_000)
    monkeypatch.setattr(exchange, "TOO_LATE_MS", 60_000)
    target, sender = receiver(answering(OK)), transport(is_wanted=counting(questions))

    answer = sender.begin(get(target, starts_at_ns=in_s(-1)))

    assert answer.result(30).status_code == 200
    assert (questions, sender.went_late) == ([], [answer])


def test_a_request_asks_again_when_it_is_late_again_after_the_answer(receiver, transport, questions):
    target, sender = receiver(answering(OK)), transport(is_wanted=counting(questions, -1, 3600))

    assert sender.send(get(target, starts_at_ns=in_s(-1))).status_code == 200

    assert (questions, sender.went_late) == ([True, True], [])


def test_a_request_that_is_late_after_every_answer_goes_all_the_same_and_is_corrected(receiver, transport, questions):
    target, sender = receiver(answering(OK)), transport(is_wanted=counting(questions, -1, -1, -1))

    answer = sender.begin(get(target, starts_at_ns=in_s(-1)))

    assert answer.result(30).status_code == 200
    assert (questions, sender.went_late) == ([True] * 3, [answer])


@pytest.mark.parametrize(
    "url",
    [
        *("http://missing.example/", "http://10.0.0.1/", "http://a b/", "http://127.0.0.1:1/"),
        "the receiver",
    ],
)
def test_a_request_that_has_ended_waits_no_more_to_go_out_even_if_it_never_went(transport, receiver, monkeypatch, url):
    """A claim waits until few requests are left that have not gone out; it would wait for ever."""
    monkeypatch.setattr(client, "MAX_UNSENT", 1)
    target = receiver(answering(OK))
    sending = transport(look_up=Names())

    sending.send(Request("GET", target.url() if url == "the receiver" else url, {}, None, 10_000))

    with sending.transport.unsent.room(1, 0) as has_room:
        assert has_room
