"""How many jobs a bulk action still has before it, as far as that is counted."""

import pytest

from models.database.paging import Place
from models.jobs import states
from models.jobs.job_lists import JobFilter
from models.operations import bulk
from models.operations.bulk import CANCEL, Left, Mark
from tests.support.rows import make_job


@pytest.mark.parametrize(("scheduled", "left"), [(0, Left(3, True)), (1, Left(3, True))])
def test_a_count_that_is_full_looks_at_no_other_list(account, monkeypatch, scheduled, left):
    monkeypatch.setattr(bulk, "COUNTED", 3)
    for state in ["retryable"] * 3 + ["scheduled"] * scheduled:
        make_job(account, state, 60)
    assert bulk.count_left(account.id, CANCEL, JobFilter("request"), Mark()) == left


def test_a_count_that_is_not_full_is_exact(account, monkeypatch):
    monkeypatch.setattr(bulk, "COUNTED", 3)
    for state in ("retryable", "scheduled", "completed"):
        make_job(account, state, 60)
    assert bulk.count_left(account.id, CANCEL, JobFilter("request"), Mark()) == Left(2, False)


def test_in_the_lists_that_were_not_begun_newer_jobs_are_left_too(account, moved_clock):
    """The mark is a place in the list that is read; each list after it is read from its beginning."""
    make_job(account, "retryable", 60)
    done = make_job(account, "retryable", 60)
    moved_clock.advance(seconds=1)
    make_job(account, "scheduled", 60)
    mark = Mark(bulk.LIVE.index("retryable"), Place(done.inserted_at, done.id))
    assert bulk.count_left(account.id, CANCEL, JobFilter("request"), mark) == Left(2, False)


def test_a_bulk_cancel_reads_every_state_that_is_not_final():
    assert set(bulk.LIVE) == set(states.LIVE)
    assert set(bulk.GIVEN_BACK) < set(bulk.LIVE)
