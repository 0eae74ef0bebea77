"""Rows that threads have at the same time are written together, and each thread gets the result of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from peewee import DataError, OperationalError

from models.database import group_commit
from models.database.group_commit import GroupCommit
from tests.support.waiting import wait_until

SECONDS = 60


class Written:
    """What is written, group by group. The first group waits for `may_end`; a row that is an exception is raised."""

    def __init__(self):
        self.groups, self.may_end = [], threading.Event()
        self.commits = GroupCommit(self.write_all)
        self.pool = ThreadPoolExecutor(8)

    def write_all(self, rows):
        self.groups.append(list(rows))
        if len(self.groups) == 1:
            assert self.may_end.wait(SECONDS)
        for row in rows:
            if isinstance(row, BaseException):
                raise row
        return [f"result of {row}" for row in rows]

    def begin(self, row, key="a"):
        """A thread that writes this row as the first."""
        future = self.pool.submit(self.commits.write, key, row)
        wait_until(lambda: self.groups)
        return future

    def join(self, row, key="a"):
        """A thread that waits with this row, behind those that wait already."""
        before = self.waiting(key)
        future = self.pool.submit(self.commits.write, key, row)
        wait_until(lambda: self.waiting(key) == before + 1)
        return future

    def waiting(self, key="a"):
        return len(self.commits._lines[key])


@contextmanager
def written_slowly():
    written = Written()
    with written.pool:
        try:
            yield written
        finally:
            written.may_end.set()


@pytest.fixture
def slow():
    with written_slowly() as written:
        yield written


def test_a_row_that_comes_alone_is_written_alone(slow):
    slow.may_end.set()

    assert [slow.commits.write("a", row) for row in (1, 2)] == ["result of 1", "result of 2"]
    assert slow.groups == [[1], [2]]


def test_rows_that_come_during_a_commit_are_written_together_in_their_order(slow):
    first = slow.begin(1)
    others = [slow.join(row) for row in (2, 3, 4)]

    slow.may_end.set()

    assert [future.result(SECONDS) for future in (first, *others)] == [f"result of {row}" for row in (1, 2, 3, 4)]
    assert slow.groups == [[1], [2, 3, 4]]


def test_rows_of_another_key_do_not_wait(slow):
    first = slow.begin(1)

    assert slow.commits.write("b", 2) == "result of 2"
    assert not first.done()
    assert slow.groups == [[1], [2]]


def test_a_line_is_forgotten_when_nobody_waits_any_more(slow):
    futures = [slow.begin(1), slow.join(2), slow.join(3)]
    slow.may_end.set()

    for future in futures:
        future.result(SECONDS)

    assert slow.commits._lines == {}


def test_a_row_that_is_refused_fails_alone(slow):
    first, refused = slow.begin(1), DataError("too long")
    good, bad, other = slow.join(2), slow.join(refused), slow.join(3)

    slow.may_end.set()

    assert [future.result(SECONDS) for future in (first, good, other)] == ["result of 1", "result of 2", "result of 3"]
    assert bad.exception(SECONDS) is refused
    assert slow.groups[1] == [2, refused, 3]
    assert sorted(slow.groups[2:], key=str) == [[2], [3], [refused]]


def test_a_database_that_is_gone_is_told_to_all_that_wait_and_nothing_is_written_again(slow):
    first, gone = slow.begin(1), OperationalError("server closed the connection")
    together = [slow.join(gone), slow.join(2)]

    slow.may_end.set()

    assert first.result(SECONDS) == "result of 1"
    assert [str(future.exception(SECONDS)) for future in together] == ["server closed the connection"] * 2
    assert slow.groups == [[1], [gone, 2]]
    assert slow.commits.write("a", 3) == "result of 3"


def test_those_that_wait_do_not_try_a_database_that_is_gone():
    with written_slowly() as written:
        gone = OperationalError("server closed the connection")
        first, waiting = written.begin(gone), written.join(2)

        written.may_end.set()

        assert [str(future.exception(SECONDS)) for future in (first, waiting)] == ["server closed the connection"] * 2
        assert written.groups == [[gone]]


def test_a_thread_that_is_ended_leaves_its_turn_and_an_error_to_the_others(slow):
    first, ended = slow.begin(1), SystemExit(3)
    leading, other = slow.join(ended), slow.join(2)

    slow.may_end.set()

    first.result(SECONDS)
    assert leading.exception(SECONDS) is ended
    assert str(other.exception(SECONDS)) == "the thread that wrote this row was ended"
    assert slow.commits.write("a", 3) == "result of 3"


def test_a_thread_does_not_wait_for_ever_and_its_row_is_not_written_later(slow, monkeypatch):
    first = slow.begin(1)
    monkeypatch.setattr(group_commit, "LONGEST_WAIT_S", 0)

    with pytest.raises(OperationalError, match="no answer within 0 s"):
        slow.commits.write("a", 2)
    slow.may_end.set()

    assert first.result(SECONDS) == "result of 1"
    assert slow.commits.write("a", 3) == "result of 3"
    assert slow.groups == [[1], [3]]
