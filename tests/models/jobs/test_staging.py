"""Staging: which jobs a message names, which are held back, and what counts as lost."""

import pytest

from models.jobs import lifecycle, staging, states
from models.jobs.job_tables import Job
from models.jobs.states import STATES
from models.rules import clock
from tests.support.locks import held_by_another
from tests.support.rows import make_job, plan_of, reread, stage_all
from tests.support.transitions import MARGIN, job_in

FOREVER = 2**62


def test_a_job_is_never_claimed_before_it_is_due(account, moved_clock):
    job = make_job(account, "scheduled", due_in_s=1)
    assert lifecycle.claim([job.id], clock.now(), MARGIN) == []
    moved_clock.advance(seconds=1)
    assert len(lifecycle.claim([job.id], clock.now(), MARGIN)) == 1


def test_of_what_was_not_claimed_the_early_and_the_due_are_told_apart(account, moved_clock):
    early = make_job(account, "scheduled", due_in_s=1, staged_at=clock.now())
    due = make_job(account, "scheduled", staged_at=clock.now())
    others = [job_in("executing", account, staged_at=clock.now()), make_job(account)]  # claimed; named by no message

    assert staging.unclaimed([early.id, due.id, *[job.id for job in others]], clock.now()) == ([early.id], [due.id])


def test_a_staged_job_is_not_staged_again_until_its_message_is_given_up(account, moved_clock):
    job = make_job(account)
    assert [staged.id for staged in stage_all()] == [job.id]
    assert stage_all() == staging.due(0, clock.now(), 10) == []
    assert staging.unstage([job.id]) == 1
    assert len(stage_all()) == 1
    assert reread(job).staged_count == 2


def test_the_soonest_is_due_first(account, moved_clock):
    later, sooner = make_job(account, due_in_s=-1), make_job(account, due_in_s=-2)
    make_job(account, "scheduled", due_in_s=1)
    assert [job.id for job in staging.due(0, clock.now(), 10)] == [sooner.id, later.id]
    assert [job.id for job in staging.due(0, clock.now(), 1)] == [sooner.id]


def test_what_is_staged_is_told_soonest_first(account, moved_clock):
    later, sooner = make_job(account, due_in_s=-1), make_job(account, due_in_s=-2)
    assert [job.id for job in stage_all()] == [sooner.id, later.id]


def test_the_first_mark_is_found_from_an_instant_on(account, moved_clock):
    make_job(account)
    assert staging.first_staged(0) is None
    stage_all()
    assert staging.first_staged(clock.now()) == clock.now()
    assert staging.first_staged(clock.now() + 1) is None


def test_only_marks_from_before_the_instant_are_taken_for_lost(account, moved_clock):
    make_job(account)
    stage_all()
    assert staging.unstage_lost(clock.now()) == 0
    assert staging.unstage_lost(clock.now() + 1) == 1


def test_what_is_staged_is_counted_from_the_first_to_the_last_instant_and_no_further_than_asked(account, moved_clock):
    for due_in_s in (1, 2, 3):
        make_job(account, "scheduled", due_in_s=due_in_s)
    stage_all()
    first, last = (clock.now() + seconds * clock.SECOND for seconds in (1, 3))
    counts = [
        staging.staged_between(*statements) for statements in ((first, last, 9), (first + 1, last - 1, 9), (0, last, 2))
    ]
    assert counts == [3, 1, 2]


def test_giving_up_no_message_changes_nothing(account):
    assert staging.unstage([]) == 0


def test_due_is_what_waits_from_the_first_to_the_last_instant(account, moved_clock):
    for state in STATES:
        job_in(state, account)
    waiting = {job.id for job in Job.select() if job.state in states.WAITING}
    assert {job.id for job in staging.due(clock.now(), clock.now(), 10)} == waiting
    assert staging.due(clock.now() + 1, FOREVER, 10) == staging.due(0, clock.now() - 1, 10) == []


def test_the_mark_of_an_early_message_counts_from_the_instant_it_is_due(account, moved_clock):
    job = make_job(account, "scheduled", due_in_s=5)
    stage_all()
    assert reread(job).staged_at == job.scheduled_at
    assert staging.unstage_lost(clock.now() + 1) == 0
    assert staging.unstage_lost(job.scheduled_at + 1) == 1


MARKS = {"staged_at": 1, "held_until": 2, "parked_by": 3}
LEFT = {  # what moves a job that waits: the marks of before that stay
    "claim": (lambda ids: lifecycle.claim(ids, clock.now(), MARGIN), set()),
    "snooze": (lambda ids: staging.snooze(ids, clock.now(), clock.SECOND), set()),
    "pause": (staging.pause, set()),
    "release_hold": (staging.release_hold, {"parked_by"}),
    "unstage_lost": (lambda _: staging.unstage_lost(2), {"held_until", "parked_by"}),
}


@pytest.mark.parametrize("action", LEFT)
def test_what_moves_a_job_leaves_of_its_marks_those_that_still_hold(account, moved_clock, action):
    """A job that kept its place at a gate kept others from it."""
    change, left = LEFT[action]
    job = make_job(account, due_in_s=-1, **MARKS)
    other = make_job(account, due_in_s=-1, **MARKS, state="completed")

    change([job.id, other.id])

    row = reread(job)
    assert {name for name, value in MARKS.items() if getattr(row, name) == value} == left
    if action != "unstage_lost":  # it is for those that are staged, whatever their state
        assert [getattr(reread(other), name) for name in MARKS] == list(MARKS.values())


def test_a_job_snoozed_is_not_due_for_the_stager_until_then(account, moved_clock):
    job = make_job(account)
    stage_all()
    assert staging.snooze([job.id], clock.now(), clock.SECOND // 2) == {job.id: reread(job).held_until}
    assert staging.due(0, clock.now(), 10) == []
    moved_clock.advance(seconds=1.25)
    assert [due.id for due in staging.due(0, clock.now(), 10)] == [job.id]


def test_a_job_that_was_snoozed_and_then_claimed_is_snoozed_no_more(account, moved_clock):
    job = make_job(account)
    staging.snooze([job.id], clock.now(), clock.SECOND)
    lifecycle.claim([job.id], clock.now(), MARGIN)
    assert reread(job).held_until is None


def test_a_job_is_snoozed_longer_each_time_a_message_named_it(account, moved_clock):
    jobs = [make_job(account, staged_count=count) for count in (1, 2, 4, 5, 50)]
    staging.snooze([job.id for job in jobs], clock.now(), clock.SECOND)
    assert [reread(job).held_until - clock.now() for job in jobs] == [
        seconds * clock.SECOND + staging.RETURN_US for seconds in (2, 4, 16, 32, 32)
    ]


def test_snoozed_jobs_return_together_at_quarters_of_a_second(account, moved_clock):
    jobs = [make_job(account) for _ in range(3)]
    for job, base_us in zip(jobs, (300_000, 400_000, 500_000), strict=True):
        staging.snooze([job.id], clock.now(), base_us)
    returns = [reread(job).held_until for job in jobs]
    assert [at % staging.RETURN_US for at in returns] == [0, 0, 0]
    assert returns[0] == returns[1] < returns[2]


def test_until_when_jobs_are_held_is_said_of_those_that_wait_and_are_held(account, moved_clock):
    snoozed, free, unasked = [make_job(account) for _ in range(3)]
    ended = make_job(account, state="completed", held_until=clock.now())
    staging.snooze([snoozed.id, unasked.id], clock.now(), clock.SECOND)

    held = staging.held_until([snoozed.id, free.id, ended.id])

    assert held == {snoozed.id: reread(snoozed).held_until}


def test_a_job_claimed_meanwhile_is_not_snoozed(account, moved_clock):
    job = job_in("executing", account)
    assert staging.snooze([job.id], clock.now(), clock.SECOND) == {}
    assert reread(job).held_until is None


def test_a_job_that_waits_for_its_retry_is_not_snoozed_to_before_it(account, moved_clock):
    """A stale message did so: the job was named, refused and named again, dozens of times a second, until its retry."""
    job = make_job(account, "retryable", due_in_s=60, attempt=1, staged_count=1)
    assert staging.snooze([job.id], clock.now(), clock.SECOND) == {job.id: None}
    assert staging.due(0, reread(job).scheduled_at - 1, 10) == []
    assert [due.id for due in staging.due(0, reread(job).scheduled_at, 10)] == [job.id]


def test_staging_finds_what_is_due_by_one_index_and_marks_it_by_another(account, db, monkeypatch):
    """Misled by a partial index that had been empty, PostgreSQL searched all of it for each set of ids."""
    make_job(account)
    statements = []
    monkeypatch.setattr(staging, "fetch", lambda sql, params: statements.append((sql, params)) or [])

    stage_all()

    [(sql, params)] = statements
    plan = plan_of(db, sql, params)
    assert plan.count("job_unstaged") == 1
    assert "job_pkey" in plan or "INTEGER PRIMARY KEY" in plan


@pytest.mark.parametrize("requests_only", [True, False])
def test_requests_alone_are_staged_where_follow_ups_gather(account, moved_clock, requests_only):
    request, event = make_job(account), make_job(account, kind="event")
    staged = staging.stage(clock.now(), 0, clock.now(), 10, requests_only)
    assert [job.id for job in staged] == ([request.id] if requests_only else [request.id, event.id])


def test_c2_what_another_session_holds_takes_up_no_room_of_what_is_due_behind_it(account, db):
    """The stager chose the same rows 173 times and published none of those behind them."""
    held, free = make_job(account, due_in_s=-2), make_job(account, due_in_s=-1)
    with held_by_another(db, held):
        assert [job.id for job in stage_all(limit=1)] == [free.id]
    assert [job.id for job in stage_all(limit=1)] == [held.id]
