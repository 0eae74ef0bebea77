"""What is deleted after its time, and what is kept."""

import pytest

from models.accounts import session_store
from models.alerts import incident_store
from models.database.sql import fetch
from models.jobs import dedup_windows, idempotent_requests, lifecycle
from models.jobs.job_tables import Attempt, Job, JobLabel, LogEntry
from models.operations import acks
from models.rules import clock
from models.schedules import firing_rows
from runtime.settings import load
from tests.support.rows import make_job
from workers.assembly import kept_us
from workers.ticker import pruner as pruning
from workers.ticker.pruner import Pruner
from workers.ticker.throttle import STEP_US, Throttle

KEPT = {"completed": clock.DAY}


class Steady:
    """A steady clock under which each step takes `took` microseconds."""

    def __init__(self, took):
        self.now, self.took = 0, took

    def __call__(self):
        return self.now

    def work(self, rows):
        """A step for a Throttle that does all that it may."""
        self.now += self.took
        return rows


def finished(account, state, days_ago):
    at = clock.now() - int(days_ago * clock.DAY)
    return make_job(account, state, inserted_at=at, **{f"{state}_at": at})


def left():
    return {job.id for job in Job.select()}


def pruner_of(kept_us):
    """One that never rests."""
    return Pruner(kept_us, steady=lambda: 0)


def sweep(pruner):
    return [pruner.prune_jobs(clock.now()) for _ in range(10)]


def test_old_final_jobs_go_with_all_their_rows(account, moved_clock):
    """Final jobs older than they are kept go with all that tells of them."""
    old, young = finished(account, "completed", 1.01), finished(account, "completed", 0.99)
    for job in (old, young):
        Attempt.create(job_id=job.id, number=1, started_at=1, finished_at=2, lateness_us=0, outcome="answered")
        JobLabel.create(account_id=account.id, label="a", inserted_at=1, job_id=job.id)
        LogEntry.create(account_id=account.id, job_id=job.id, event="x", payload="{}", inserted_at=1)

    sweep(pruner_of(KEPT))

    assert left() == {young.id}
    for table in (Attempt, LogEntry, JobLabel):
        assert [row.job_id for row in table.select()] == [young.id]


@pytest.mark.parametrize("state", ["available", "scheduled", "retryable", "executing"])
def test_a_job_that_is_not_final_is_kept_whatever_its_age(account, moved_clock, state):
    job = make_job(account, state, due_in_s=-400 * 24 * 3600)
    sweep(pruner_of(dict.fromkeys(("completed", "discarded", "cancelled"), clock.DAY)))
    assert left() == {job.id}


def test_each_final_state_has_its_own_time(account, moved_clock):
    completed, discarded = finished(account, "completed", 5), finished(account, "discarded", 5)
    cancelled = finished(account, "cancelled", 5)
    sweep(pruner_of({"completed": 4 * clock.DAY, "discarded": 6 * clock.DAY}))
    assert left() == {discarded.id, cancelled.id}
    assert completed.id not in left()


def test_nought_days_keep_a_state_for_ever():
    chosen = load({"BOOPER_KEEP_DISCARDED_DAYS": "0", "BOOPER_KEEP_CANCELLED_DAYS": "0.5"})
    assert kept_us(chosen) == {"completed": 30 * clock.DAY, "cancelled": clock.DAY // 2}


def test_where_every_state_is_kept_for_ever_no_sweep_is_made(account, moved_clock, monkeypatch):
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 1)
    job = finished(account, "completed", 400)
    assert sum(sweep(pruner_of({}))) == 0
    assert left() == {job.id}


def test_a_sweep_goes_in_small_steps_and_rests_until_the_next(account, moved_clock, monkeypatch):
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 2)
    monkeypatch.setattr(Throttle, "MAX_ROWS", 2)
    for _ in range(5):
        finished(account, "completed", 2)
    pruner = pruner_of(KEPT)
    assert sweep(pruner) == [2, 2, 1, 0, 0, 0, 0, 0, 0, 0]

    finished(account, "completed", 2)
    assert sum(sweep(pruner)) == 0

    moved_clock.now += pruning.SWEEP_EVERY_US
    assert sum(sweep(pruner)) == 1


def test_old_jobs_behind_long_waiting_ones_are_found(account, moved_clock, monkeypatch):
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 1)
    monkeypatch.setattr(Throttle, "MAX_ROWS", 1)
    waiting = [make_job(account, "scheduled", inserted_at=1) for _ in range(3)]
    finished(account, "completed", 2)
    young = make_job(account)
    sweep(pruner_of(KEPT))
    assert left() == {*(job.id for job in waiting), young.id}


def test_answers_whose_time_is_over_are_deleted_in_steps(account, moved_clock, monkeypatch):
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 2)
    monkeypatch.setattr(Throttle, "MAX_ROWS", 2)
    for number in range(5):
        idempotent_requests.respond_once(account.id, f"k{number}", "f", clock.now(), lambda: (201, "{}"))
    pruner = pruner_of({})
    assert pruner.prune_responses(clock.now()) == 0

    moved_clock.advance(days=1)
    idempotent_requests.respond_once(account.id, "young", "f", clock.now(), lambda: (201, "{}"))
    assert [pruner.prune_responses(clock.now()) for _ in range(5)] == [2, 2, 1, 0, 0]
    assert fetch("SELECT key FROM idempotent_request") == [("young",)]

    moved_clock.advance(days=1)
    assert pruner.prune_responses(clock.now()) == 1


def test_sessions_that_are_over_by_themselves_are_deleted_in_steps(db, moved_clock, monkeypatch):
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 2)
    monkeypatch.setattr(Throttle, "MAX_ROWS", 2)
    for number in range(3):
        session_store.end(f"token {number}", clock.now() + clock.DAY)
    session_store.end("young", clock.now() + 2 * clock.DAY)
    pruner = pruner_of({})
    assert pruner.prune_sessions(clock.now()) == 0

    moved_clock.advance(days=1)
    assert [pruner.prune_sessions(clock.now()) for _ in range(3)] == [2, 1, 0]
    assert session_store.has_ended("young")
    assert not session_store.has_ended("token 1")


@pytest.mark.parametrize(("took", "rest"), [(10, 50), (60 * clock.SECOND, clock.SECOND)])
def test_a_throttle_rests_for_five_times_the_last_step(took, rest):
    """A throttle rests for five times what a step took but a second at most."""
    steady = Steady(took)
    throttle = Throttle(steady)
    assert throttle.step(steady.work) > 0
    for passed, works in ((0, False), (rest - 1, False), (1, True)):
        steady.now += passed
        assert bool(throttle.step(steady.work)) is works


@pytest.mark.parametrize(
    ("took", "rows"),
    [(1, Throttle.MAX_ROWS), (STEP_US * 3 // 4, Throttle.FIRST_ROWS), (STEP_US * 2, Throttle.MIN_ROWS)],
)
def test_a_step_becomes_as_large_as_fits_into_its_time(took, rows):
    steady = Steady(took)
    throttle = Throttle(steady)
    for _ in range(10):
        steady.now += 6 * took
        assert throttle.step(steady.work)
    assert throttle.rows == rows


def test_each_sweep_begins_with_the_first_job_again(account, moved_clock, monkeypatch):
    """A job that a sweep passed over while it ran would otherwise stay for ever."""
    monkeypatch.setattr(Throttle, "FIRST_ROWS", 1)
    monkeypatch.setattr(Throttle, "MAX_ROWS", 1)
    running = make_job(account, "executing", inserted_at=clock.now() - 3 * clock.DAY)
    young, pruner = finished(account, "completed", 0), pruner_of(KEPT)
    sweep(pruner)
    Job.update(state="completed", completed_at=clock.now() - 2 * clock.DAY).where(Job.id == running.id).execute()

    moved_clock.advance(minutes=11)
    sweep(pruner)

    assert left() == {young.id}


def test_what_rests_after_a_step_holds_up_no_other_kind_of_rows(moved_clock, monkeypatch):
    """Each kind has a rest of its own: the seventh would wait for six others."""
    steady, done = Steady(2 * STEP_US), []

    def note(name):
        return lambda *_: done.append(name) or steady.work(0)

    prunes = (idempotent_requests, dedup_windows, firing_rows, incident_store, acks, session_store)
    for module in prunes:
        monkeypatch.setattr(module, "prune", note(module.__name__))
    monkeypatch.setattr(lifecycle, "prune", lambda *_: (note("jobs")(), None))
    pruner = Pruner(KEPT, steady, firings_kept_us=1)
    steps = [getattr(pruner, name) for name in dir(pruner) if name.startswith("prune_")]

    for step in steps:
        step(clock.now())
    steady.now -= len(steps) * steady.took
    for step in steps:
        step(clock.now())

    assert sorted(done) == sorted(["jobs", *(module.__name__ for module in prunes)])
