"""Live tails as a process gives them out: how many there are, and from when on one tells."""

import pytest

from api.dashboard import log_stream
from api.dashboard.log_stream import Tail
from api.dashboard.sessions import Session
from booper.processes import API_THREADS
from models.jobs import records
from models.jobs.log_entries import LogFilter
from models.rules import clock
from tests.support.log_rows import insert_log_rows


@pytest.fixture
def open_tail(alice):
    """Opens a stream as a log page does; all are closed in the end."""
    opened = []

    def open_one():
        opened.append(alice.client.get("/logs/stream", buffered=False))
        return opened[-1].status_code

    yield open_one
    for answer in opened:
        answer.close()


def test_most_threads_of_a_process_are_left_to_others_than_live_tails(open_tail):
    assert [open_tail() for _ in range(5)] == [200, 200, 200, 503, 503]
    assert log_stream.STREAMS <= API_THREADS / 2


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
