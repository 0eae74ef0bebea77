"""Rows that threads have at the same time are written together, and each thread gets the result of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from peewee import DataError, OperationalError

from models.database import group_commit
from models.database.connection import SQLITE_WAIT_S
from models.database.group_commit import GroupCommit, _Entry
from models.database.postgres import OF_REQUESTS, Silent
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


def test_those_that_wait_do_not_try_a_database_that_is_silent():
    with written_slowly() as written:
        silent = OperationalError("no answer within 5.5 s")
        silent.__cause__ = Silent()
        first, waiting = written.begin(silent), [written.join(2), written.join(3)]

        written.may_end.set()

        assert first.exception(SECONDS) is silent
        errors = [future.exception(SECONDS) for future in waiting]
        assert [str(error) for error in errors] == ["no answer within 5.5 s"] * 2
        assert len({*errors, silent}) == 3
        assert written.groups == [[silent]]
        assert written.commits.write("a", 4) == "result of 4"


@pytest.mark.parametrize("error", [OperationalError("server closed the connection"), DataError("too long")])
def test_those_that_wait_are_written_together_after_an_error_of_another_row(error):
    with written_slowly() as written:
        first, waiting = written.begin(error), [written.join(2), written.join(3)]

        written.may_end.set()

        assert first.exception(SECONDS) is error
        assert [future.result(SECONDS) for future in waiting] == ["result of 2", "result of 3"]
        assert written.groups == [[error], [2, 3]]


def test_a_thread_that_is_ended_leaves_its_turn_and_an_error_to_the_others(slow):
    first, ended = slow.begin(1), SystemExit(3)
    leading, other = slow.join(ended), slow.join(2)

    slow.may_end.set()

    first.result(SECONDS)
    assert leading.exception(SECONDS) is ended
    assert str(other.exception(SECONDS)) == "the thread that wrote this row was ended"
    assert slow.commits.write("a", 3) == "result of 3"


def test_a_thread_does_not_wait_for_its_turn_for_ever_and_its_row_is_not_written_later(slow, monkeypatch):
    first = slow.begin(1)
    monkeypatch.setattr(group_commit, "LONGEST_WAIT_S", 0)

    with pytest.raises(OperationalError, match="was not written"):
        slow.commits.write("a", 2)
    slow.may_end.set()

    assert first.result(SECONDS) == "result of 1"
    assert slow.commits.write("a", 3) == "result of 3"
    assert slow.groups == [[1], [3]]


def test_a_turn_that_comes_at_the_end_of_the_wait_is_taken(slow, monkeypatch):
    def promoted_meanwhile(entry, _):
        slow.may_end.set()
        wait_until(lambda: entry.group)
        return False

    monkeypatch.setattr(_Entry, "is_woken_within", promoted_meanwhile)
    first = slow.begin(1)

    assert slow.commits.write("a", 2) == "result of 2"
    assert first.result(SECONDS) == "result of 1"
    assert slow.commits.write("a", 3) == "result of 3"


@pytest.mark.parametrize("row", [2, OperationalError("server closed the connection")])
def test_an_answer_that_comes_at_the_end_of_the_wait_is_taken(slow, monkeypatch, row):
    def answered_meanwhile(entry, seconds):
        if entry.row == "leads":
            return wait(entry, seconds)
        slow.may_end.set()
        wait_until(lambda: entry.is_done)
        return False

    wait = _Entry.is_woken_within
    monkeypatch.setattr(_Entry, "is_woken_within", answered_meanwhile)
    slow.begin(1)
    slow.join("leads")
    late = slow.pool.submit(slow.commits.write, "a", row)

    answer = late.exception(SECONDS) or late.result()
    assert str(answer) == ("result of 2" if row == 2 else "server closed the connection")


def test_a_row_that_is_being_written_waits_for_its_answer_and_not_for_a_turn(monkeypatch):
    """It was answered with an error after ten seconds, and then stored."""
    written, may_answer = Written(), threading.Event()

    def out_of_patience(entry, seconds):
        if entry.row == "leads":
            return wait(entry, seconds)
        if seconds == group_commit.LONGEST_WRITE_S:
            may_answer.set()
            return wait(entry, seconds)
        written.may_end.set()
        wait_until(lambda: len(written.groups) == 2)
        return False

    def write_all(rows):
        results = Written.write_all(written, rows)
        if "leads" in rows:
            assert may_answer.wait(SECONDS)
        return results

    wait = _Entry.is_woken_within
    monkeypatch.setattr(_Entry, "is_woken_within", out_of_patience)
    written.commits = GroupCommit(write_all)
    with written.pool:
        written.begin(1)
        written.join("leads")
        late = written.pool.submit(written.commits.write, "a", 2)
        late.add_done_callback(lambda _: may_answer.set())
        assert late.result(SECONDS) == "result of 2"

    assert written.groups == [[1], ["leads", 2]]


def test_those_that_wait_do_not_try_a_file_that_is_locked():
    with written_slowly() as written:
        locked = OperationalError("database is locked")
        first, waiting = written.begin(locked), [written.join(2), written.join(3)]

        written.may_end.set()

        assert first.exception(SECONDS) is locked
        assert [str(future.exception(SECONDS)) for future in waiting] == ["database is locked"] * 2
        assert written.groups == [[locked]]


def test_without_an_answer_of_the_thread_that_writes_nobody_knows(slow, monkeypatch):
    def taken_by_another(entry, _):
        with suppress(KeyError, ValueError):
            slow.commits._lines["a"].remove(entry)
        return False

    monkeypatch.setattr(_Entry, "is_woken_within", taken_by_another)
    slow.begin(1)

    with pytest.raises(OperationalError, match="may be written or not"):
        slow.commits.write("a", 2)


def test_a_row_that_is_refused_alone_is_written_once(slow):
    refused = DataError("too long")
    slow.may_end.set()

    with pytest.raises(DataError):
        slow.commits.write("a", refused)

    assert slow.groups == [[refused]]


def test_a_thread_waits_longer_than_a_connection_and_a_statement_may_take():
    assert 2 * OF_REQUESTS.connect_s + OF_REQUESTS.reply_s < group_commit.LONGEST_WAIT_S <= 10


def test_a_thread_waits_longer_for_an_answer_than_a_writer_of_sqlite_may_take():
    assert group_commit.LONGEST_WRITE_S > 2 * SQLITE_WAIT_S
