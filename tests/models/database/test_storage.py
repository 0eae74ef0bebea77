"""How PostgreSQL keeps the rows of jobs: with room for their next versions, and long bodies quick to read."""

import pytest

from models.database.sql import fetch
from models.jobs import lifecycle
from models.rules import clock
from tests.support.rows import make_job

pytestmark = pytest.mark.parametrize("db", ["postgresql"], indirect=True)
HAS_LZ4 = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"


def page_of(job):
    """The page of the table that the row is in."""
    return fetch("SELECT (ctid::text::point)[0] FROM job WHERE id = %s", (job.id,))


def test_the_next_versions_of_a_row_fit_into_its_page(account):
    job = [make_job(account) for _ in range(100)][0]
    page = page_of(job)
    claimed = lifecycle.claim([job.id], clock.now(), clock.SECOND)
    assert page_of(job) == page
    lifecycle.complete(claimed, clock.now())
    assert page_of(job) == page


def test_long_bodies_are_compressed_by_lz4_where_there_is_lz4(account):
    if fetch(HAS_LZ4) != [(True,)]:
        pytest.skip("this PostgreSQL has no lz4")
    make_job(account, body=b"all work and no play " * 1000)
    assert fetch("SELECT pg_column_compression(body) FROM job") == [("lz4",)]
