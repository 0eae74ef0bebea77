"""Owns the making of rows for tests: a job with just the columns that matter to the test."""

import json

from peewee import fn

from models.database.base import BaseModel
from models.database.connection import database
from models.jobs import lifecycle, staging
from models.jobs.job_tables import Job
from models.jobs.records import AttemptRow, add_attempts
from models.rules import clock


def make_job(account, state="available", due_in_s=0, url="http://127.0.0.1:9/", method="post", **columns):
    """A job row of the account, due `due_in_s` seconds from the clock's now."""
    return Job.create(**_columns(account, state, due_in_s, url, method, columns))


def make_jobs(account, dues_in_s, state="available", url="http://127.0.0.1:9/", method="post", **columns):
    """The ids of job rows that are equal but for when they are due, in the order of `dues_in_s`. One transaction: a
    thousand take as long as ten that are made one by one."""
    rows = [_columns(account, state, due_in_s, url, method, columns) for due_in_s in dues_in_s]
    with database.atomic():
        last = Job.select(fn.max(Job.id)).scalar() or 0
        Job.insert_many(rows).execute()
        return [job.id for job in Job.select(Job.id).where(Job.id > last).order_by(Job.id)]


def copy(job, count):
    """Add so many copies of a job, on PostgreSQL alone."""
    names = [field.column_name for field in Job._meta.sorted_fields if field.column_name not in ("id", "uuid")]
    columns = ", ".join(names)
    sql = f"INSERT INTO job (uuid, {columns}) SELECT gen_random_uuid(), {columns} FROM job, generate_series(1, %s)"
    database.execute_sql(f"{sql} WHERE id = %s", (count, job.id))


def _columns(account, state, due_in_s, url, method, columns):
    now = clock.now()
    defaults = {"args": json.dumps({"method": method, "url": url}), "inserted_at": now}
    fixed = {"account_id": account.id, "state": state, "scheduled_at": now + int(due_in_s * clock.SECOND)}
    return defaults | fixed | columns


def plan_of(db, sql, params):
    """How the database `db` would run the statement, as text; PostgreSQL by an index if there is one that fits."""
    with database.atomic():
        if db == "postgresql":
            database.execute_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if db == "sqlite" else "EXPLAIN"
        return str(database.execute_sql(f"{explain} {sql}", params).fetchall())


def all_rows():
    """What every table holds, by the name of its class."""
    return {table.__name__: sorted(map(repr, table.select().tuples())) for table in BaseModel.__subclasses__()}


def reread(job):
    """The job as the table has it now."""
    return Job.get_by_id(job.id)


def stage_all(limit=1000, ahead_us=10 * clock.DAY):
    """Mark all jobs that wait and are due by then, the soonest first."""
    return staging.stage(clock.now(), 0, clock.now() + ahead_us, limit)


def claim_of(job, lease_us=clock.SECOND):
    """The claim of this job by a worker."""
    [claim] = lifecycle.claim([job.id], clock.now(), lease_us)
    return claim


def claim_job(account, **columns):
    """The claim of a fresh job with these columns."""
    return claim_of(make_job(account, **columns))


def make_failed_job(account, host, reason, state="discarded"):
    """A job whose only attempt was answered 500."""
    job = make_job(account, state, host=host, attempt=1)
    add_attempts([AttemptRow(job.id, 1, 0, 0, 0, "answered", 500, reason)])
    return job
