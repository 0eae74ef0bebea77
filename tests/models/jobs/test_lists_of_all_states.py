"""The list of jobs of all states: as one, whatever the states, and read from the index of each state."""

import pytest

from models.database import paging
from models.database.connection import database
from models.database.paging import Page, PageRequest, Place
from models.database.sql import fetch
from models.jobs import job_lists
from models.jobs.job_kinds import REQUEST
from models.jobs.job_tables import Job
from models.jobs.searches import merged_states
from models.jobs.searches.job_filter import JobFilter
from models.jobs.states import STATES
from models.rules import clock
from tests.support.rows import copy, make_job, plan_of


@pytest.fixture
def jobs(account):
    """A job of each state, each made after the one before."""
    ids = [make_job(account, state).id for state in STATES]
    for place, job_id in enumerate(ids):
        Job.update(inserted_at=1000 + place).where(Job.id == job_id).execute()
    return ids


def pages_of(account, job_filter, page):
    """The integers of all jobs of the list, page by page."""
    ids = []
    while True:
        part = job_lists.listed(account.id, job_filter, page)
        ids += [row.id for row in part.rows]
        if part.end is None:
            return ids
        page = page._replace(place=part.end)


@pytest.mark.parametrize("job_filter", [JobFilter(REQUEST), JobFilter(REQUEST, text="/")], ids=["all", "searched"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_go_through_all_states_in_the_order_of_insertion(account, jobs, job_filter, direction):
    expected = jobs if direction == "asc" else jobs[::-1]
    assert pages_of(account, job_filter, PageRequest(("inserted_at", direction), 2)) == expected


def test_jobs_made_at_one_instant_are_listed_once_each(account, jobs):
    Job.update(inserted_at=1000).execute()
    assert pages_of(account, JobFilter(REQUEST), PageRequest(("inserted_at", "desc"), 2)) == jobs[::-1]


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("label", [None, "nightly"])
def test_a_deep_page_of_sqlite_walks_the_indexes_and_sorts_nothing(account, db, direction, label):
    """It sorted the jobs of each state as far as the page: an offset of 100,000 took twice as long."""
    if db != "sqlite":
        pytest.skip("PostgreSQL merges parts that have a limit")
    page = PageRequest(("inserted_at", direction), 50, 100_000, Place(0, 0))

    sql, params = merged_states.rows(account.id, JobFilter(REQUEST, label=label), STATES, page, 100_051)

    steps = [row[3] for row in fetch(f"EXPLAIN QUERY PLAN {sql}", params)]
    assert sum("USING" in step for step in steps) == (1 if label else len(STATES))
    assert [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN")] == []


@pytest.mark.parametrize("offset", [0, 1, 5, 6, 7, 100])
def test_an_offset_skips_jobs_of_all_states(account, jobs, offset):
    page = job_lists.listed(account.id, JobFilter(REQUEST), PageRequest(("inserted_at", "asc"), 2, offset))
    assert [row.id for row in page.rows] == jobs[offset : offset + 2]
    assert (page.end is not None) == (offset + 2 < len(jobs))


def test_jobs_of_another_account_or_kind_are_not_among_them(account, jobs):
    make_job(account, kind="event", parent_id=jobs[0])

    assert job_lists.listed(account.id + 1, JobFilter(REQUEST), PageRequest(paging.NEWEST_FIRST, 9)) == Page([], None)
    assert pages_of(account, JobFilter(REQUEST), PageRequest(paging.NEWEST_FIRST, 9)) == jobs[::-1]


def test_a_search_ends_where_it_has_looked_at_enough(account, jobs):
    page = PageRequest(paging.NEWEST_FIRST, 9)

    first = job_lists.matching(account.id, JobFilter(REQUEST, text="/"), page, looked_at=3)
    second = job_lists.matching(account.id, JobFilter(REQUEST, text="/"), page._replace(place=first.end), looked_at=9)

    assert (first.rows, second.rows, second.end) == (jobs[:3:-1], jobs[3::-1], None)


@pytest.mark.parametrize("looked_at", [5, 7])
def test_jobs_made_during_a_search_hide_no_older_ones(account, jobs, monkeypatch, looked_at):
    """The second statement was cut behind so many rows from the newest, those made meanwhile among them."""
    edge_of = job_lists._edge

    def made_meanwhile(*arguments):
        edge = edge_of(*arguments)
        if not made:
            made.extend(make_job(account).id for _ in range(4))
        return edge

    made, page, ids = [], PageRequest(paging.NEWEST_FIRST, 9), []
    monkeypatch.setattr(job_lists, "_edge", made_meanwhile)
    for _ in range(9):
        part = job_lists.matching(account.id, JobFilter(REQUEST, text="/"), page, looked_at)
        ids += part.rows
        if part.end is None:
            break
        page = page._replace(place=part.end, limit=2)

    assert [each for each in ids if each in jobs] == jobs[::-1]


@pytest.mark.parametrize("order", ["job_id", "scheduled_at"])
def test_a_span_of_time_is_found_by_the_index_of_states_in_other_orders_too(account, db, monkeypatch, order):
    """It was looked for among all jobs of the account."""
    if db == "postgresql":
        copy(make_job(account, "completed"), 5000)
        database.execute_sql("UPDATE job SET inserted_at = inserted_at + id * 1000")
        database.execute_sql("ANALYZE job")
    statements = []
    monkeypatch.setattr(paging, "fetch", lambda sql, params: statements.append((sql, params)) or [])
    span = JobFilter(REQUEST, after=clock.now() + clock.DAY, before=clock.now() + 2 * clock.DAY)

    job_lists.matching(account.id, span, PageRequest((order, "asc"), 50))

    for sql, params in statements:
        assert "inserted_at" in plan_of(db, sql, params).partition("job_account_state")[2]


@pytest.mark.parametrize("search", [{}, {"text": "/ok"}], ids=["all", "searched"])
def test_a_page_reads_each_state_by_its_index_as_far_as_it_shows(account, db, monkeypatch, search):
    """PostgreSQL sorted all jobs of the account where the parts had no end of their own: 270 ms with a million jobs."""
    job = make_job(account, "completed")
    if db == "postgresql":
        copy(job, 5000)
        database.execute_sql("ANALYZE job")
    statements = []
    monkeypatch.setattr(paging, "fetch", lambda sql, params: statements.append((sql, params)) or [])

    job_lists.matching(account.id, JobFilter(REQUEST, **search), PageRequest(paging.NEWEST_FIRST, 50))

    for sql, params in statements:
        plan = plan_of(db, sql, params)
        assert plan.count("job_account_state (" if db == "sqlite" else "job_account_state on job") == len(STATES)
        assert "Sort  (" not in plan
