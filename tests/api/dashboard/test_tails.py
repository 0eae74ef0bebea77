"""Live tails as a process gives them out: how many there are, and from when on one tells."""

import pytest

from api import held_threads
from api.dashboard import log_stream
from api.dashboard.log_stream import Tail
from api.dashboard.sessions import Session
from booper.processes import API_THREADS
from models.accounts import account_store, session_store
from models.jobs import records
from models.jobs.log_entries import LogFilter
from models.rules import clock
from tests.support.log_rows import insert_log_rows


@pytest.fixture
def open_tail(alice, monkeypatch):
    """Opens a stream as a log page does, by default for Alice; all are closed in the end."""
    monkeypatch.setattr(held_threads, "places", held_threads.Places())
    opened = []

    def open_one(browser=alice):
        opened.append(browser.client.get("/logs/stream", buffered=False))
        return opened[-1].status_code

    yield open_one
    for answer in opened:
        answer.close()


def test_most_threads_of_a_process_are_left_to_others_than_live_tails(open_tail, alice, bob):
    assert [open_tail(browser) for browser in (alice, alice, bob, bob, alice)] == [200, 200, 200, 503, 503]
    assert held_threads.PLACES <= API_THREADS / 2


def test_n4_an_account_that_opens_many_tails_leaves_one_to_another(open_tail, alice, bob):
    """One account with six tails had them all."""
    assert [open_tail(alice) for _ in range(6)] == [200, 200, 503, 503, 503, 503]
    assert open_tail(bob) == 200


def test_a_place_that_is_freed_can_be_taken_again():
    places = held_threads.Places(places=2, share=1)

    assert [places.take(account_id) for account_id in (1, 1, 2, 3)] == [True, False, True, False]
    places.free(1)
    assert [places.take(account_id) for account_id in (3, 1)] == [True, False]


@pytest.fixture
def events(alice, monkeypatch):
    """What a stream of Alice's log sends, which looks again at once."""
    monkeypatch.setattr(log_stream, "LOOK_EVERY_S", 0)
    tail = Tail(alice.account.id, Session(alice.key.uuid, "t"), LogFilter(), clock.now(), lambda row: row.uuid)
    return tail.events()


def test_a_tail_ends_once_its_visitor_has_signed_out(events):
    assert [next(events).split(":")[0] for _ in range(3)] == ["retry", "id", "id"]

    session_store.end("t", clock.now() + clock.DAY)

    assert list(events) == []


def test_a_tail_ends_once_its_key_is_revoked(alice, events):
    assert [next(events).split(":")[0] for _ in range(2)] == ["retry", "id"]

    account_store.revoke_key(alice.key.uuid, clock.now())

    assert list(events) == []


def add(account, at):
    row = records.log_row(account.id, 1, None, "worker.http.request", {}, at)
    insert_log_rows([row])
    return row.uuid


@pytest.mark.parametrize("ago_s", [0, 1, 5, 9])
def test_an_entry_that_was_committed_late_is_told_once(alice, moved_clock, ago_s):
    """Its instant lies before the last look that the browser heard of, its commit behind."""
    heard_at = clock.now()
    tail = Tail(alice.account.id, Session(alice.key.uuid, "t"), LogFilter(), heard_at, lambda row: row.uuid)
    assert tail.new_entries() == []
    late = add(alice.account, heard_at - ago_s * clock.SECOND)
    moved_clock.advance(seconds=1)

    looks = [tail.new_entries() for _ in range(3)]

    assert [[row.uuid for row in look] for look in looks] == [[late], [], []]


def test_an_entry_that_was_committed_long_before_is_not_told(alice, moved_clock):
    add(alice.account, clock.now() - log_stream.OVERLAP_US)
    tail = Tail(alice.account.id, Session(alice.key.uuid, "t"), LogFilter(), clock.now(), lambda row: row.uuid)
    assert tail.new_entries() == []
