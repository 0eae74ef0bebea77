"""The list of overdue jobs: complete with any number of them, and read by the index of what is due."""

import pytest

from models.database import paging
from models.database.connection import database
from models.database.paging import PageRequest
from models.jobs import job_lists
from models.jobs.job_kinds import REQUEST
from models.jobs.searches import job_filter, overdue
from models.jobs.searches.job_filter import JobFilter, due_table
from models.rules import clock
from tests.support.rows import copy, make_job, plan_of

NEWEST, IN_TIME = ("inserted_at", "desc"), ("scheduled_at", "asc")


def listed(account, limit=50):
    wanted = JobFilter(REQUEST, due_by=clock.now())
    return [row.id for row in job_lists.listed(account.id, wanted, PageRequest(NEWEST, limit)).rows]


@pytest.mark.parametrize("few", [0, 1, 2, 10_000])
def test_every_overdue_job_is_listed_and_no_other(account, monkeypatch, few):
    monkeypatch.setattr(job_filter, "FEW_DUE", few)
    late = [make_job(account, state, -60).id for state in ("scheduled", "retryable", "available", "scheduled")]
    for state, due_in_s in (("scheduled", 60), ("retryable", 60), ("completed", -60), ("executing", -60)):
        make_job(account, state, due_in_s)

    assert sorted(listed(account)) == late
    assert len(listed(account, 2)) == 2


@pytest.mark.parametrize(("direction", "places"), [("asc", [3, 1, 2, 0]), ("desc", [0, 2, 1, 3])])
def test_pages_of_overdue_jobs_go_on_in_the_order_of_time(account, moved_clock, monkeypatch, direction, places):
    """With more jobs than may be sorted the list was refused."""
    monkeypatch.setattr(paging, "SORTED_AT_MOST", 1)
    jobs = [
        make_job(account, state, due_in_s).id
        for state, due_in_s in (("scheduled", -10), ("available", -60), ("retryable", -60), ("retryable", -90))
    ]
    for state, due_in_s in (("scheduled", 60), ("completed", -60)):
        make_job(account, state, due_in_s)
    page, ids = PageRequest((IN_TIME[0], direction), 1), []

    for _ in range(6):
        part = job_lists.listed(account.id, JobFilter(REQUEST, due_by=clock.now()), page)
        ids += [row.id for row in part.rows]
        if part.end is None:
            break
        page = page._replace(place=part.end)

    assert ids == [jobs[place] for place in places]


def test_an_overdue_page_skips_what_an_offset_says_and_keeps_to_the_other_filters(account, moved_clock):
    first, second, third = (make_job(account, "scheduled", -seconds).id for seconds in (30, 20, 10))
    due = JobFilter(REQUEST, due_by=clock.now())
    assert [row.id for row in job_lists.listed(account.id, due, PageRequest(IN_TIME, 1, offset=1)).rows] == [second]
    until = due._replace(until_id=second)
    assert [row.id for row in job_lists.listed(account.id, until, PageRequest(IN_TIME, 9)).rows] == [first, second]


def test_a_page_of_many_overdue_jobs_reads_their_index_as_far_as_it_shows(account, db, monkeypatch):
    """With 50,000 overdue jobs the list took a tenth of a second."""
    if db == "postgresql":
        copy(make_job(account, "scheduled", -60), 5000)
        database.execute_sql("UPDATE job SET scheduled_at = scheduled_at - id * 1000")
        database.execute_sql("ANALYZE job")
    statements = []
    monkeypatch.setattr(overdue, "fetch", lambda sql, params: statements.append((sql, params)) or [])

    job_lists.listed(account.id, JobFilter(REQUEST, due_by=clock.now()), PageRequest(IN_TIME, 50))

    assert "job_account_due" in plan_of(db, *statements[0])


def test_a_table_of_finished_jobs_is_not_read_for_those_that_are_due(account, db, monkeypatch):
    """PostgreSQL took half of the jobs that wait for due, and read all the table: 0.6 s with a million jobs."""
    if db == "sqlite":
        pytest.skip("SQLite knows no statistics of values")
    monkeypatch.setattr(job_filter, "FEW_DUE", 20)
    for state, due_in_s in (("completed", -3600), ("scheduled", 3600)):
        copy(make_job(account, state, due_in_s), 5000)
    database.execute_sql("UPDATE job SET scheduled_at = scheduled_at + (random() * 3e9)::bigint")
    database.execute_sql("ANALYZE job")

    plans = {few: plan(*due_table(account.id, REQUEST, clock.now(), few)) for few in (True, False)}

    assert "Seq Scan" not in plans[True]
    assert "Seq Scan" in plans[False]  # else this would show nothing


def plan(table, params):
    """As if the table were large and on a disk."""
    with database.atomic():
        database.execute_sql("SET LOCAL random_page_cost = 40")
        sql = f"EXPLAIN SELECT id FROM {table} ORDER BY inserted_at LIMIT 50"
        return str(database.execute_sql(sql, params).fetchall())
