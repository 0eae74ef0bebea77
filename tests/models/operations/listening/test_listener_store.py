"""Which listeners are connected, and how many an account may have."""

from models.accounts import account_store
from models.operations.listening import listener_store
from models.operations.listening.listener_store import CONNECTED_US, KEPT_US, note_seen
from models.rules import clock
from tests.support.listeners import reply, take, waiting
from tests.support.races import at_once


def names(account):
    return [listener.name for listener in listener_store.listed(account.id)]


def test_an_account_has_at_most_so_many_listeners_at_once(account, moved_clock):
    assert note_seen(account.id, "a", 2, clock.now())
    assert note_seen(account.id, "b", 2, clock.now())
    assert not note_seen(account.id, "c", 2, clock.now())
    assert note_seen(account.id, "a", 2, clock.now())
    assert note_seen(account_store.account_named("bob", clock.now()).id, "c", 2, clock.now())


def test_one_that_went_away_makes_room_and_has_no_place_when_it_comes_back(account, moved_clock):
    note_seen(account.id, "a", 1, clock.now())
    moved_clock.advance(seconds=CONNECTED_US / clock.SECOND)
    assert note_seen(account.id, "b", 1, clock.now())
    assert not note_seen(account.id, "a", 1, clock.now())


def test_of_listeners_that_come_at_the_same_moment_no_more_than_allowed_are_let_in(account):
    calls = [lambda name=name: note_seen(account.id, name, 3, clock.now()) for name in "abcdefgh"]
    assert sum(at_once(*calls)) == 3
    assert len(names(account)) == 3


def test_a_listener_is_connected_for_a_minute(account, moved_clock):
    note_seen(account.id, "a", 1, clock.now())
    [seen] = listener_store.listed(account.id)
    assert listener_store.is_connected(seen.seen_at, clock.now() + CONNECTED_US - 1)
    assert not listener_store.is_connected(seen.seen_at, clock.now() + CONNECTED_US)
    assert not listener_store.is_connected(None, clock.now())


def test_a_list_says_how_many_requests_wait_and_how_many_are_unanswered(account, moved_clock):
    note_seen(account.id, "laptop", 1, clock.now())
    for _ in range(3):
        waiting(account)
    [taken] = take(account, limit=1)
    [listener] = listener_store.listed(account.id)
    assert (listener.waiting, listener.taken) == (2, 1)

    reply(account, taken)

    [listener] = listener_store.listed(account.id)
    assert (listener.waiting, listener.taken) == (2, 0)


def test_one_that_was_away_for_a_week_is_forgotten(account, moved_clock):
    note_seen(account.id, "a", 1, clock.now())
    moved_clock.advance(seconds=KEPT_US / clock.SECOND)
    assert listener_store.prune(clock.now()) == 0
    moved_clock.advance(seconds=1)
    assert listener_store.prune(clock.now()) == 1
    assert names(account) == []
