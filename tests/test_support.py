"""What the tests' own support must not get wrong."""

import psycopg

from tests.support.databases import RUN, drop_left_behind
from tests.support.services import POSTGRES_URL

GONE = "booper_test_999999999"  # no session has this number


def test_databases_of_runs_that_are_gone_are_dropped_and_no_others(postgres_url):
    with psycopg.connect(POSTGRES_URL, autocommit=True, application_name=RUN) as session:
        session.execute(f"CREATE DATABASE {GONE}")

        drop_left_behind(session)

        names = {name for (name,) in session.execute("SELECT datname FROM pg_database")}
    assert GONE not in names
    assert postgres_url.rpartition("/")[2] in names
