"""Whose lookup is next, and that one which nobody waits for any more is not made."""

import socket
import threading

import pytest

from workers.transport.lookup_queue import Lane, Lookup
from workers.transport.outcome import Failed
from workers.transport.resolver import Resolver

LIMIT_S = 20


def lookup(owner=1, host="a.example"):
    return Lookup(host, 443, owner)


def test_the_lookup_that_has_waited_longest_is_next():
    lane, first, second = Lane(4), lookup(), lookup()
    lane.put(first)
    lane.put(second)
    assert [lane.take(), lane.take()] == [first, second]


def test_a_lookup_that_was_given_up_is_never_handed_out():
    lane, given_up, wanted = Lane(4), lookup(), lookup()
    lane.put(given_up)
    lane.put(wanted)
    lane.drop(given_up)
    assert lane.take() is wanted


def test_giving_up_a_lookup_that_is_being_made_takes_nothing_from_the_others():
    lane, made, waiting = Lane(4), lookup(), lookup()
    lane.put(made)
    assert lane.take() is made
    lane.put(waiting)
    lane.drop(made)
    assert lane.take() is waiting


@pytest.mark.parametrize(("threads", "share"), [(1, 1), (2, 1), (4, 2), (8, 4), (9, 4)])
def test_one_owner_holds_at_most_half_of_the_threads(threads, share):
    lane = Lane(threads)
    others = lookup(owner=2)
    for _ in range(share + 1):
        lane.put(lookup(owner=1))
    lane.put(others)

    taken = [lane.take().owner for _ in range(share + 1)]

    assert taken == [1] * share + [2]


def test_an_owner_gets_another_thread_when_one_comes_free():
    lane, first, second = Lane(2), lookup(), lookup()
    lane.put(first)
    lane.put(second)
    lane.give(lane.take())
    assert lane.take() is second


def test_a_closed_lane_hands_out_nothing_and_wakes_who_waits():
    lane, taken = Lane(2), []
    waiting = threading.Thread(target=lambda: taken.append(lane.take()))
    waiting.start()
    lane.close()
    waiting.join(LIMIT_S)
    lane.put(lookup())
    assert [*taken, lane.take()] == [None, None]


def test_a_name_whose_attempt_gave_up_while_it_waited_is_never_looked_up(monkeypatch):
    asked, let_go, begun = [], threading.Event(), threading.Event()

    def hang(host, *_, **__):
        asked.append(host)
        begun.set()
        let_go.wait(LIMIT_S)
        return [(None, None, None, None, ("192.0.2.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    resolver = Resolver(lanes=1, threads_per_lane=1)
    first = threading.Thread(target=resolver.addresses, args=("first.example", 443, LIMIT_S, 1))
    first.start()
    assert begun.wait(LIMIT_S)

    with pytest.raises(Failed):
        resolver.addresses("second.example", 443, 0.01, 2)
    let_go.set()
    first.join(LIMIT_S)
    resolver.addresses("third.example", 443, LIMIT_S, 3)
    resolver.close()

    assert asked == ["first.example", "third.example"]
