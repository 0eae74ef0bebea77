"""Indexes of large tables: built beside the work of others, and again if a build was interrupted."""

import threading

import psycopg
import pytest

from models.database import schema
from models.database.connection import database
from models.database.sql import execute, fetch
from tests.support.locks import held_by_another
from tests.support.rows import make_job
from tests.support.waiting import wait_until

postgres = pytest.mark.parametrize("db", ["postgresql"], indirect=True)
IS_BUILDING = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%%'"
)
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'job_under_way'::regclass"


@postgres
def test_c12_an_index_of_a_large_table_keeps_no_writer_waiting(account, db):
    """On a table of many millions nothing could be created until it was built."""
    job, other = make_job(account), make_job(account)
    execute("DROP INDEX job_under_way")
    building = threading.Event()
    thread = threading.Thread(target=schema.migrate, kwargs={"on_building": lambda _name: building.set()})

    with held_by_another(db, job):  # the build waits for this writer
        thread.start()
        building.wait(60)
        wait_until(lambda: fetch(IS_BUILDING))
        with psycopg.connect(str(database.obj.database)) as session:
            session.execute("SET lock_timeout = '1s'")
            session.execute("UPDATE job SET name = 'written meanwhile' WHERE id = %s", (other.id,))
    thread.join(60)

    assert fetch(IS_VALID) == [(True,)]


@postgres
def test_an_index_whose_build_was_interrupted_is_built_again(db):
    execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'job_under_way'::regclass")
    built = []

    assert schema.migrate(on_building=built.append) == []

    assert (built, fetch(IS_VALID)) == (["job_under_way"], [(True,)])


@postgres
def test_what_is_built_is_not_built_again(db):
    built = []
    schema.migrate(on_building=built.append)
    assert built == []


def test_a_missing_index_is_built_on_both_databases(db):
    execute("DROP INDEX job_under_way")
    schema.migrate()
    names = {index.name for index in database.get_indexes("job")}
    assert "job_under_way" in names


def test_no_index_of_a_large_table_is_unique():
    """It may be missing while the processes work."""
    statements = schema._large_indexes()
    assert statements
    assert [statement for statement in statements if "UNIQUE" in statement] == []
