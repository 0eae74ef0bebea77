"""What the overview counts of an account's jobs, and what it says comes next."""

import pytest

from models.jobs.states import FINAL, STATES
from models.operations import overview
from models.operations.overview import Counts
from tests.support.rows import make_job


def upcoming(account, limit=10):
    return [job.id for job in overview.upcoming(account.id, limit)]


def test_each_state_is_counted_by_whether_its_time_has_come(account, moved_clock):
    for state in STATES:
        for due_in_s in (-60, 0, 60):
            make_job(account, state, due_in_s)
    # due: three available, and of scheduled and retryable two each; waiting: one of each; failing: three retryable
    assert overview.counts(account.id, moved_clock.now) == Counts(due=7, running=3, waiting=2, failing=3)


@pytest.mark.parametrize("state", STATES)
def test_a_job_is_counted_unless_it_is_final(account, moved_clock, state):
    make_job(account, state, 60)

    assert any(overview.counts(account.id, moved_clock.now)) == (state not in FINAL)


def test_a_job_becomes_due_at_its_instant(account, moved_clock):
    make_job(account, "scheduled", 60)
    moved_clock.advance(seconds=59)
    assert overview.counts(account.id, moved_clock.now) == Counts(due=0, running=0, waiting=1, failing=0)
    moved_clock.advance(seconds=1)
    assert overview.counts(account.id, moved_clock.now) == Counts(due=1, running=0, waiting=0, failing=0)


def test_jobs_of_other_accounts_and_kinds_are_not_counted(account, moved_clock):
    other = type(account).create(name="bob", created_at=moved_clock.now)
    for state in STATES:
        make_job(other, state, 60)
        for kind in ("callback", "event", "channel"):
            make_job(account, state, 60, kind=kind)
    assert overview.counts(account.id, moved_clock.now) == Counts(0, 0, 0, 0)
    assert upcoming(account) == []


def test_counts_end_at_their_cap(account, moved_clock, monkeypatch):
    monkeypatch.setattr(overview, "CAP", 2)
    for state in ("available", "scheduled", "executing"):
        for _ in range(4):
            make_job(account, state, -60)
    assert overview.counts(account.id, moved_clock.now) == Counts(due=3, running=3, waiting=0, failing=0)


def test_what_comes_next_is_told_soonest_first(account, moved_clock):
    last = make_job(account, "scheduled", 60).id
    retried = make_job(account, "retryable", 30).id
    overdue = make_job(account, "scheduled", -30).id
    first = make_job(account, "available", -60).id
    for state in ("executing", "completed", "discarded", "cancelled"):
        make_job(account, state, -90)
    assert upcoming(account) == [first, overdue, retried, last]
    assert upcoming(account, 2) == [first, overdue]
