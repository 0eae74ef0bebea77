"""The claim of a schedule's jobs: which may begin, which wait or are cancelled, and the rows of their instants."""

import pytest

from models.jobs import job_store, lifecycle, staging
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.operations import cancelling, claims
from models.rules import clock
from models.schedules import firing_rows, misfire, overlap, planning, schedule_changes, schedule_store
from models.schedules.firing_rows import FiringRow
from models.schedules.ready_jobs import ReadyJob
from models.schedules.schedule_tables import Firing, Schedule
from models.schedules.turns import UnderWay
from tests.support.acks import answer_later
from tests.support.races import held_elsewhere, map_at_once
from tests.support.schedule_rows import (
    MARGIN,
    SECONDLY,
    claim_firings,
    create_schedule,
    firings_of,
    jobs_of,
    make_schedule,
    planned,
    run_ticker,
    waiting_jobs_of,
)
from workers.ticker.rescuer import rescue_lost


def test_a_job_that_was_made_within_its_jitter_is_queued_behind_the_one_under_way(monkeypatch):
    """It was made after its instant, and before it was due."""
    offset_us = 600 * clock.SECOND
    job = ReadyJob(7, "s", 0, offset_us, None, clock.SECOND, None, None)
    schedule = overlap.LockedSchedule("s", "queue_one", "once", SECONDLY, offset_us, None, None, None, "{}", None)
    monkeypatch.setattr(overlap, "ready_jobs", lambda *_: [job])

    assert overlap._queued([job], schedule, [UnderWay("s", 0, 1, offset_us - 1, None)], offset_us) == [7]
    assert overlap._queued([job], schedule, [UnderWay("s", 0, 1, offset_us, None)], offset_us) == []


def test_the_claim_of_a_job_is_the_row_of_its_instant(account, moved_clock):
    schedule_id = make_schedule(account, first_in_s=5)
    moved_clock.advance(seconds=6)
    [job] = claim_firings(*jobs_of(schedule_id))
    [row] = Firing.select()
    assert (row.status, row.job_id, row.lateness_us) == ("fired", job.id, clock.SECOND)


def test_a_job_that_begins_after_more_than_a_minute_is_late(account, moved_clock):
    """A job that begins more than a minute after its time is late."""
    schedule_id = make_schedule(account)
    moved_clock.advance(seconds=61)
    claim_firings(*jobs_of(schedule_id))
    assert firings_of(schedule_id) == [(0, "late")]


def test_a_job_that_begins_exactly_a_minute_late_is_fired(account, moved_clock):
    schedule_id = make_schedule(account)
    moved_clock.advance(minutes=1)
    claim_firings(*jobs_of(schedule_id))
    assert firings_of(schedule_id) == [(0, "fired")]


def test_a_job_of_a_schedule_is_not_taken_by_the_claim_of_other_jobs(account, moved_clock):
    schedule_id = make_schedule(account)
    assert lifecycle.claim([jobs_of(schedule_id)[0].id], clock.now(), MARGIN) == []
    assert len(claim_firings(*jobs_of(schedule_id))) == 1


def test_the_claim_of_schedules_takes_no_other_job(account, moved_clock):
    """A job of no schedule is not taken by the claim of schedules."""
    job, _ = job_store.create(NewJob(account.id, "{}", None, None, clock.now()), clock.now())
    assert overlap.choose([job.id], clock.now()).ids == []


def test_jitter_puts_the_job_off_and_is_no_lateness(account, moved_clock):
    schedule_id = make_schedule(account, jitter_us=3600 * clock.SECOND)
    offset_us = Schedule.get().offset_us
    job = jobs_of(schedule_id)[0]
    assert job.scheduled_at == job.fire_at + offset_us
    assert offset_us == schedule_store.offset_us(schedule_id, 3600 * clock.SECOND) > 0
    moved_clock.now = job.scheduled_at
    claim_firings(job)
    assert Firing.get().lateness_us == 0


def test_skip_cancels_the_job_while_another_is_executing(account, moved_clock):
    schedule_id = make_schedule(account)
    run_ticker()
    moved_clock.advance(hours=1)
    assert run_ticker() == []
    assert firings_of(schedule_id) == [(0, "fired"), (3600, "skipped_overlap")]
    assert [job.state for job in jobs_of(schedule_id)] == ["executing", "cancelled", "scheduled"]


def test_skip_lets_the_job_begin_when_the_one_before_has_ended(account, moved_clock):
    schedule_id = make_schedule(account)
    lifecycle.complete(run_ticker(), clock.now())
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1
    assert firings_of(schedule_id) == [(0, "fired"), (3600, "fired")]


def test_allow_sends_both(account, moved_clock):
    make_schedule(account, overlap="allow")
    run_ticker()
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1


def test_queue_one_lets_one_wait_and_cancels_the_others(account, moved_clock):
    schedule_id = make_schedule(account, overlap="queue_one", catch_up_us=24 * clock.HOUR)
    under_way = run_ticker()
    for _ in range(3):
        moved_clock.advance(hours=1)
        assert run_ticker() == []
    assert firings_of(schedule_id) == [(0, "fired"), (7200, "skipped_overlap"), (10800, "skipped_overlap")]

    lifecycle.complete(under_way, clock.now())
    [queued] = run_ticker()
    assert queued.fire_at == jobs_of(schedule_id)[0].fire_at + clock.HOUR
    assert firings_of(schedule_id)[1] == (3600, "late")


def test_the_one_in_the_queue_is_let_go_once_the_one_that_waits_for_its_target_is_cancelled(account, moved_clock):
    """Nothing is under way then, so no end of a request lets it go."""
    create_schedule(account, {"ack_within_us": clock.DAY}, overlap="queue_one", catch_up_us=clock.DAY)
    [waits] = run_ticker()
    answer_later(waits)
    moved_clock.advance(hours=1)
    assert run_ticker() == []
    [queued] = Job.select().where(Job.held_until.is_null(False))

    cancelling.cancel(account.id, waits.id, clock.now())

    assert Job.get_by_id(queued.id).held_until is None


def test_a_job_made_up_for_takes_no_place_in_the_queue(account, moved_clock):
    """A job made up for waits for its turn beside the one that queue_one lets wait, and does not cost it its place."""
    schedule_id = make_schedule(account, overlap="queue_one", misfire="all", catch_up_us=24 * clock.HOUR)
    [first] = run_ticker()
    moved_clock.advance(hours=2, minutes=30)
    run_ticker()
    lifecycle.complete([first], clock.now())
    run_ticker()
    moved_clock.advance(minutes=30)

    run_ticker()

    hours = [(job.fire_at - first.fire_at) // clock.HOUR for job in waiting_jobs_of(schedule_id)]
    assert hours == [1, 3, 4]  # behind, in the queue, planned


def test_a_job_that_waits_too_long_is_skipped_for_the_overlap(account, moved_clock):
    """A job that waits too long for its turn is skipped for the overlap."""
    schedule_id = make_schedule(account, overlap="queue_one")
    run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    moved_clock.advance(hours=1, seconds=1)
    run_ticker()
    assert firings_of(schedule_id)[:2] == [(0, "fired"), (3600, "skipped_overlap")]


def test_a_waiting_job_is_released_when_the_one_before_ends(account, moved_clock):
    """The job that waits for its turn is let go when the one before ends."""
    schedule_id = make_schedule(account, overlap="queue_one")
    under_way = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    assert waiting_jobs_of(schedule_id)[0].held_until > clock.now()
    lifecycle.complete(under_way, clock.now())
    overlap.release_next_in_turn([schedule_id], clock.now())
    assert waiting_jobs_of(schedule_id)[0].held_until is None


def a_retry_and_a_queued_one(account, moved_clock):
    """A schedule one of whose jobs is under way while two others wait for their turn: under way, retry, queued."""
    schedule_id = make_schedule(account, overlap="queue_one")
    [first] = run_ticker()
    lifecycle.retry([(first, clock.now() + clock.HOUR + clock.SECOND)])
    moved_clock.advance(hours=1)
    [under_way] = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    return schedule_id, under_way, first.id, waiting_jobs_of(schedule_id)[1].id


def test_of_those_that_wait_each_schedules_oldest_is_let_go(account, moved_clock):
    begin = moved_clock.now
    schedule_id, under_way, retry, queued = a_retry_and_a_queued_one(account, moved_clock)
    moved_clock.now = begin
    other, other_under_way, other_retry, other_queued = a_retry_and_a_queued_one(account, moved_clock)
    lifecycle.complete([under_way, other_under_way], clock.now())

    overlap.release_next_in_turn([schedule_id, other], clock.now())

    due = [job.id for job in staging.due(0, clock.now(), 100)]
    assert {retry, other_retry} <= set(due)
    assert not {queued, other_queued} & set(due)


def test_of_those_that_wait_one_that_is_not_behind_is_let_go_before_one_that_is(account, moved_clock):
    schedule_id = make_schedule(account, overlap="queue_one", misfire="all", catch_up_us=24 * clock.HOUR)
    [first] = run_ticker()
    moved_clock.advance(hours=2, minutes=30)
    run_ticker()
    lifecycle.complete([first], clock.now())
    [under_way] = run_ticker()
    moved_clock.advance(minutes=30)
    run_ticker()
    behind, queued, _planned = waiting_jobs_of(schedule_id)
    lifecycle.complete([under_way], clock.now())

    overlap.release_next_in_turn([schedule_id], clock.now())

    due = [job.id for job in staging.due(0, clock.now(), 100)]
    assert (queued.id in due, behind.id in due) == (True, False)


def test_a_job_that_waits_for_its_retry_does_not_hold_back_the_next(account, moved_clock):
    schedule_id = make_schedule(account)
    [first] = run_ticker()
    lifecycle.retry([(first, clock.now() + 2 * clock.HOUR)])
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1
    assert firings_of(schedule_id)[-1] == (3600, "fired")


def test_a_retry_waits_while_the_next_is_executing(account, moved_clock):
    schedule_id = make_schedule(account)
    [first] = run_ticker()
    lifecycle.retry([(first, clock.now() + clock.HOUR + clock.SECOND)])
    moved_clock.advance(hours=1)
    [second] = run_ticker()
    moved_clock.advance(seconds=1)
    assert run_ticker() == []
    assert jobs_of(schedule_id)[0].state == "retryable"

    lifecycle.complete([second], clock.now())
    assert [job.id for job in run_ticker()] == [first.id]
    assert firings_of(schedule_id) == [(0, "fired"), (3600, "fired")]


def test_two_claims_at_once_let_one_job_of_a_schedule_begin(account, db):
    schedule_id = make_schedule(account, SECONDLY)
    now = clock.now() + 3 * clock.SECOND
    new = [
        planning.job_at(planned(schedule_id), now - number)._replace(scheduled_at=now - clock.SECOND)
        for number in range(8)
    ]
    made = [job.id for job in job_store.create_many(new, now - clock.SECOND)]

    claimed = map_at_once(lambda job_id: claims.claim([job_id], now, MARGIN), made)
    claimed.append(claims.claim(made, now, MARGIN))  # of those that met the lock of another claim

    assert len(sum(claimed, [])) == 1
    assert len([job for job in waiting_jobs_of(schedule_id) if job.held_until]) == 7  # due before it began: they wait


def test_a_run_ordered_now_is_skipped_while_another_is_under_way(account, moved_clock):
    schedule_id = make_schedule(account)
    run_ticker()
    moved_clock.advance(minutes=1)
    extra = schedule_changes.fire_now(account.id, schedule_id, clock.now())
    assert run_ticker() == []
    assert Job.get_by_id(extra.id).state == "cancelled"
    assert firings_of(schedule_id) == [(0, "fired"), (60, "skipped_overlap")]


def test_what_is_older_than_catch_up_never_begins(account, moved_clock):
    """What is older than catch up never begins even if a message names it."""
    schedule_id = make_schedule(account, catch_up_us=clock.HOUR)
    moved_clock.advance(hours=1)
    moved_clock.now += 1
    assert claim_firings(*jobs_of(schedule_id)) == []
    assert run_ticker() != []  # that of an hour later, which is on time
    assert firings_of(schedule_id) == [(0, "missed_down"), (3600, "fired")]


def test_a_job_may_begin_at_its_last_moment(account, moved_clock):
    schedule_id = make_schedule(account, catch_up_us=clock.HOUR)
    moved_clock.advance(hours=1)
    assert misfire.expire(clock.now(), 100) == 0
    assert [job.id for job in claim_firings(*jobs_of(schedule_id))] == [jobs_of(schedule_id)[0].id]


def test_a_job_is_cancelled_a_microsecond_after_its_last_moment(account, moved_clock):
    schedule_id = make_schedule(account, catch_up_us=clock.HOUR)
    moved_clock.advance(hours=1)
    moved_clock.now += 1
    assert misfire.expire(clock.now(), 100) == 1
    assert [job.state for job in jobs_of(schedule_id)] == ["cancelled"]


def test_what_was_begun_once_may_be_tried_again_at_any_time(account, moved_clock):
    schedule_id = make_schedule(account, catch_up_us=clock.HOUR)
    [job] = run_ticker()
    lifecycle.retry([(job, clock.now() + 5 * clock.HOUR)])
    Schedule.update(next_at=None).execute()
    lifecycle.cancel([waiting_jobs_of(schedule_id)[-1].id], clock.now(), waiting_only=True)
    moved_clock.advance(hours=5)
    assert [again.attempt for again in run_ticker()] == [2]
    assert firings_of(schedule_id) == [(0, "fired")]


def test_a_job_cancelled_by_its_owner_has_a_row(account, moved_clock):
    """A job that its owner cancelled is a row and the next comes."""
    schedule_id = make_schedule(account)
    cancelling.cancel(account.id, jobs_of(schedule_id)[0].id, clock.now())
    run_ticker()
    assert firings_of(schedule_id) == [(0, "cancelled")]
    assert [job.state for job in jobs_of(schedule_id)] == ["cancelled", "scheduled"]


def test_a_job_cancelled_under_way_keeps_its_row(account, moved_clock):
    schedule_id = make_schedule(account)
    [job] = run_ticker()
    cancelling.cancel(account.id, job.id, clock.now())
    assert firings_of(schedule_id) == [(0, "fired")]


def test_disabling_lets_the_job_under_way_finish(account, moved_clock):
    """Disabling lets the one under way finish and writes the due ones down."""
    schedule_id = make_schedule(account, overlap="queue_one")
    [under_way] = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    schedule_changes.disable(account.id, schedule_id, clock.now())
    assert [job.state for job in jobs_of(schedule_id)] == ["executing", "cancelled", "cancelled"]
    assert firings_of(schedule_id) == [(0, "fired"), (3600, "disabled")]
    assert lifecycle.complete([under_way], clock.now()) == {under_way.id}
    assert LogEntry.select().where(LogEntry.event == "worker.job.cancelled").count() == 2


def test_disabling_twice_changes_nothing(account, moved_clock):
    schedule_id = make_schedule(account, first_in_s=60)
    first = schedule_changes.disable(account.id, schedule_id, clock.now())
    moved_clock.advance(hours=1)
    assert schedule_changes.disable(account.id, schedule_id, clock.now()) == first


def test_rows_go_when_they_are_old(account, moved_clock):
    schedule_id = make_schedule(account)
    run_ticker()
    moved_clock.advance(days=30)
    firing_rows.add([FiringRow(schedule_id, 1, "disabled", None, None, clock.now())])
    assert firing_rows.prune(clock.now() - 30 * clock.DAY, 100) == 0
    assert firing_rows.prune(clock.now() - clock.DAY, 100) == 1
    assert [row.fire_at for row in Firing.select()] == [1]


def next_is_due(moved_clock):
    moved_clock.advance(hours=1)
    return run_ticker()


def test_c10_a_job_cancelled_under_way_holds_back_the_next_while_its_request_lasts(account, moved_clock):
    """Two requests of a schedule that skips were under way at once."""
    schedule_id = make_schedule(account)
    [job] = run_ticker()
    cancelling.cancel(account.id, job.id, clock.now())

    assert next_is_due(moved_clock) == []
    assert firings_of(schedule_id) == [(0, "fired"), (3600, "skipped_overlap")]

    lifecycle.close_cancelled_claims([job])
    assert len(next_is_due(moved_clock)) == 1


def test_a_job_cancelled_under_way_holds_back_the_next_no_longer_than_its_lease(account, moved_clock):
    make_schedule(account)
    [job] = run_ticker()
    cancelling.cancel(account.id, job.id, clock.now())
    moved_clock.advance(minutes=59)

    assert rescue_lost(clock.now()) == 0

    assert (Job.get_by_id(job.id).state, Job.get_by_id(job.id).claim_id) == ("cancelled", None)
    assert Attempt.get().outcome == "lost"
    moved_clock.advance(minutes=1)
    assert len(run_ticker()) == 1


def test_a_job_cancelled_under_way_holds_back_no_other_once_its_process_has_stopped(account, moved_clock):
    """Its claim stayed for ever."""
    make_schedule(account)
    [job] = run_ticker()
    cancelling.cancel(account.id, job.id, clock.now())

    assert lifecycle.release([job]) == set()

    row = Job.get_by_id(job.id)
    assert (row.state, row.attempt, row.claim_id, row.lease_until) == ("cancelled", 0, None, None)
    assert len(next_is_due(moved_clock)) == 1


def test_a_schedule_that_another_session_holds_delays_no_other(account, db):
    """Of forty schedules due at once, 39 lost 108 instants: the claim waited for the row of the other one."""
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    held, free = make_schedule(account), make_schedule(account)
    ids = [jobs_of(schedule_id)[0].id for schedule_id in (held, free)]

    with held_elsewhere("schedule", held):
        assert [str(job.schedule_id) for job in claims.claim(ids, clock.now(), MARGIN)] == [free]
        assert jobs_of(held)[0].state == "available"

    assert [str(job.schedule_id) for job in claims.claim(ids, clock.now(), MARGIN)] == [held]


def test_a_job_that_another_session_holds_does_not_hold_up_the_claim_that_would_cancel_it(account, db):
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    make_schedule(account)
    run_ticker()
    extra = schedule_changes.fire_now(account.id, Schedule.get().id, clock.now())

    with held_elsewhere("job", extra.id):
        assert claims.claim([extra.id], clock.now(), MARGIN) == []
        assert Job.get_by_id(extra.id).state == "available"

    claims.claim([extra.id], clock.now(), MARGIN)
    assert Job.get_by_id(extra.id).state == "cancelled"
