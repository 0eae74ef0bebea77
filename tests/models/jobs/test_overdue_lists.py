"""The list of overdue jobs: complete with any number of them, and read by the index of what is due."""

import pytest

from models.database.connection import database
from models.database.paging import PageRequest
from models.jobs import job_lists
from models.jobs.job_kinds import REQUEST
from models.jobs.job_tables import Job
from models.jobs.searches import job_filter
from models.jobs.searches.job_filter import JobFilter, due_table
from models.rules import clock
from tests.support.rows import make_job

NEWEST = ("inserted_at", "desc")


def listed(account, limit=50):
    wanted = JobFilter(REQUEST, due_by=clock.now())
    return [row.id for row in job_lists.listed(account.id, wanted, PageRequest(NEWEST, limit)).rows]


@pytest.mark.parametrize("few", [0, 1, 2, 10_000])
def test_every_overdue_job_is_listed_and_no_other(account, monkeypatch, few):
    monkeypatch.setattr(job_filter, "FEW_DUE", few)
    overdue = [make_job(account, state, -60).id for state in ("scheduled", "retryable", "available", "scheduled")]
    for state, due_in_s in (("scheduled", 60), ("retryable", 60), ("completed", -60), ("executing", -60)):
        make_job(account, state, due_in_s)

    assert sorted(listed(account)) == overdue
    assert len(listed(account, 2)) == 2


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


def copy(job, count):
    names = [field.column_name for field in Job._meta.sorted_fields if field.column_name not in ("id", "uuid")]
    columns = ", ".join(names)
    sql = f"INSERT INTO job (uuid, {columns}) SELECT gen_random_uuid(), {columns} FROM job, generate_series(1, %s)"
    database.execute_sql(f"{sql} WHERE id = %s", (count, job.id))


def plan(table, params):
    """As if the table were large and on a disk."""
    with database.atomic():
        database.execute_sql("SET LOCAL random_page_cost = 40")
        sql = f"EXPLAIN SELECT id FROM {table} ORDER BY inserted_at LIMIT 50"
        return str(database.execute_sql(sql, params).fetchall())
