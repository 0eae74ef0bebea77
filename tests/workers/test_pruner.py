"""What is forgotten, and what is not."""

import pytest

from booper.settings import load
from models import clock
from models.job import Attempt, Job, JobLabel, LogEntry
from tests.making import make_job
from workers import pruner as pruning
from workers.parts import kept_us
from workers.pruner import Pruner

KEPT = {"completed": clock.DAY}


def finished(account, state, days_ago):
    return make_job(account, state, **{f"{state}_at": clock.now() - int(days_ago * clock.DAY)})


def left():
    return {job.id for job in Job.select()}


def sweep(pruner):
    return [pruner.prune_some(clock.now()) for _ in range(10)]


def test_final_jobs_older_than_they_are_kept_go_with_all_that_tells_of_them(account, moved_clock):
    old, young = finished(account, "completed", 1.01), finished(account, "completed", 0.99)
    for job in (old, young):
        Attempt.create(job_id=job.id, number=1, started_at=1, finished_at=2, lateness_us=0, outcome="answered")
        JobLabel.create(account_id=account.id, label="a", inserted_at=1, job_id=job.id)
        LogEntry.create(account_id=account.id, job_id=job.id, event="x", payload="{}", inserted_at=1)
    sweep(Pruner(KEPT))
    assert left() == {young.id}
    for table in (Attempt, LogEntry, JobLabel):
        assert [row.job_id for row in table.select()] == [young.id]


@pytest.mark.parametrize("state", ["available", "scheduled", "retryable", "executing"])
def test_a_job_that_is_not_final_is_kept_whatever_its_age(account, moved_clock, state):
    job = make_job(account, state, due_in_s=-400 * 24 * 3600)
    sweep(Pruner(dict.fromkeys(("completed", "discarded", "cancelled"), clock.DAY)))
    assert left() == {job.id}


def test_each_final_state_has_its_own_time(account, moved_clock):
    completed, discarded = finished(account, "completed", 5), finished(account, "discarded", 5)
    cancelled = finished(account, "cancelled", 5)
    sweep(Pruner({"completed": 4 * clock.DAY, "discarded": 6 * clock.DAY}))
    assert left() == {discarded.id, cancelled.id}
    assert completed.id not in left()


def test_nought_days_keep_a_state_for_ever():
    chosen = load({"BOOPER_KEEP_DISCARDED_DAYS": "0", "BOOPER_KEEP_CANCELLED_DAYS": "0.5"})
    assert kept_us(chosen) == {"completed": 30 * clock.DAY, "cancelled": clock.DAY // 2}


def test_a_sweep_goes_in_small_steps_and_rests_for_an_hour(account, moved_clock, monkeypatch):
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)
    for _ in range(5):
        finished(account, "completed", 2)
    pruner = Pruner(KEPT)
    assert sweep(pruner) == [2, 2, 1, 0, 0, 0, 0, 0, 0, 0]
    finished(account, "completed", 2)
    assert sum(sweep(pruner)) == 0
    moved_clock.advance(hours=1)
    assert sum(sweep(pruner)) == 1
