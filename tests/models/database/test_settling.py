"""A list in the order of creation ends before what may still appear between its rows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from models.database import settling
from models.database.connection import connection, database
from models.database.paging import PageRequest
from models.database.transactions import transaction
from models.jobs import job_lists, job_store, log_entries, records
from models.jobs.job_kinds import REQUEST
from models.jobs.job_lists import JobFilter
from models.jobs.job_store import NewJob
from models.jobs.log_entries import LogFilter
from models.jobs.states import STATES
from models.rules import clock

LONGEST_WAIT_S = 60


def new_job(account):
    return NewJob(account.id, '{"url": "https://example.com/"}', None, None, clock.now())


@contextmanager
def not_committed(write):
    """Another session has written and not committed before the end of the block."""
    written, release = threading.Event(), threading.Event()

    def run():
        with connection(), transaction():
            write()
            written.set()
            assert release.wait(LONGEST_WAIT_S)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        assert written.wait(LONGEST_WAIT_S)
        try:
            yield
        finally:
            release.set()
            future.result()


@pytest.fixture
def at_once(monkeypatch):
    """Stamps settle at once, so that nothing but a transaction holds a list back."""
    monkeypatch.setattr(settling, "SETTLE_US", 0)


@pytest.fixture
def make(account):
    """A function that makes a job now and returns its integer."""
    return lambda: job_store.create(new_job(account), clock.now())[0].id


def jobs_of(account, order=("inserted_at", "asc")):
    page = PageRequest(order, 100)
    return job_lists.matching(account.id, job_lists.settled(JobFilter(REQUEST), order), page).rows


def log_of(account):
    order = ("inserted_at", "asc")
    chosen = log_entries.settled(LogFilter(), order)
    return [entry.event for entry in log_entries.listed(account.id, chosen, PageRequest(order, 100)).rows]


def log(account, *events, at):
    records.add_log_entries([records.log_row(account.id, 1, None, event, {}, at) for event in events])


@pytest.mark.parametrize("field", ["inserted_at", "job_id"])
def test_a10_a_list_ends_before_a_job_that_is_not_committed(db, account, make, at_once, field):
    seen, later = make(), []

    with not_committed(make):
        if db == "postgresql":  # SQLite's writers take turns
            later.append(make())
        held_back = jobs_of(account, (field, "asc"))

    assert held_back == [seen]
    assert jobs_of(account, (field, "asc"))[0] == seen
    assert len(jobs_of(account, (field, "asc"))) == 2 + len(later)


def test_a_list_with_the_newest_first_shows_what_is_committed(db, account, make, at_once):
    make()

    with not_committed(make):
        shown = [make()] if db == "postgresql" else []
        newest_first = jobs_of(account, ("inserted_at", "desc"))

    assert newest_first[: len(shown)] == shown
    assert len(newest_first) == 1 + len(shown)


def test_a10_a_log_ends_before_an_entry_that_is_not_committed(db, account, at_once):
    log(account, "a", at=clock.now())

    with not_committed(lambda: log(account, "b", at=clock.now())):
        if db == "postgresql":
            log(account, "c", at=clock.now())
        held_back = log_of(account)

    assert held_back == ["a"]
    assert log_of(account) == (["a", "b", "c"] if db == "postgresql" else ["a", "b"])


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_transaction_of_another_program_holds_no_list_back(account, make, at_once):
    with psycopg.connect(str(database.obj.database), application_name="pg_dump") as other:
        other.execute("CREATE TABLE of_another_program (id int)")

        job = make()

        assert jobs_of(account) == [job]
        other.rollback()


def test_a_list_ends_a_moment_before_now(account, make, moved_clock):
    first = make()
    moved_clock.advance(seconds=2)
    make()

    assert jobs_of(account) == [first]


def test_a_stamp_that_comes_late_is_raised(account):
    before = clock.now()

    job, _ = job_store.create(new_job(account), before - clock.HOUR)

    assert job.inserted_at >= before - settling.SETTLE_US
    assert job_store.find(account.id, job.id).inserted_at == job.inserted_at


def test_a_stamp_that_comes_late_in_a_batch_is_raised(account):
    before = clock.now()

    jobs = job_store.create_many([new_job(account)] * 2, before - clock.HOUR)

    assert all(job.inserted_at >= before - settling.SETTLE_US for job in jobs)


def test_a_stamp_in_time_stays(account, moved_clock):
    job, _ = job_store.create(new_job(account), clock.now())

    assert job.inserted_at == clock.now()


def test_entries_of_a_log_that_come_late_keep_their_order(account, moved_clock):
    log(account, "first", "second", "third", at=clock.now() - clock.HOUR)

    moved_clock.advance(seconds=10)

    assert log_of(account) == ["first", "second", "third"]


def test_an_instant_asked_for_still_bounds_a_list(account, make, moved_clock):
    make()
    until = clock.now()
    moved_clock.advance(minutes=1)

    settled = job_lists.settled(JobFilter(REQUEST, before=until), ("inserted_at", "asc"))

    assert settled.before == until


@pytest.mark.parametrize("ahead_us", [0, 1, clock.WEEK])
def test_an_instant_asked_for_does_not_pass_over_jobs_that_come_late(account, make, ahead_us):
    make()
    order = ("inserted_at", "asc")

    settled = job_lists.settled(JobFilter(REQUEST, before=clock.now() + ahead_us), order)

    assert settled.before <= job_lists.settled(JobFilter(REQUEST), order).before


@pytest.mark.parametrize("order", [("inserted_at", "desc"), ("name", "asc")])
def test_other_orders_are_not_held_back(account, order):
    job_filter = JobFilter(REQUEST, STATES[0])

    assert job_lists.settled(job_filter, order) == job_filter
