"""Jobs whose holder fell silent."""

import pytest
from peewee import OperationalError

from models.alerts.alert_tables import Incident
from models.database.sql import execute
from models.jobs import lifecycle, states
from models.jobs.job_tables import Attempt, Job, LogEntry
from models.operations import claims
from models.rules import clock
from models.schedules import planning, schedule_changes
from models.schedules.schedule_tables import Schedule
from tests.support.alerts import look, make_alert
from tests.support.flows import MARGIN, ids_through, lane, let_through, order
from tests.support.races import held_elsewhere
from tests.support.rows import make_job, reread
from tests.support.schedule_rows import create_schedule, make_schedule
from workers.ticker.rescuer import rescue_lost


def test_a_lost_job_comes_back_with_its_lost_attempt_on_record(account, moved_clock):
    job = make_job(account, timeout_ms=1000)
    lifecycle.claim([job.id], clock.now(), clock.SECOND)
    moved_clock.advance(seconds=3)
    assert rescue_lost(clock.now()) == 1
    assert reread(job).state == "available"
    assert (Attempt.get().outcome, Attempt.get().next_at) == ("lost", clock.now())
    assert [row.event for row in LogEntry.select()] == ["worker.http.error"]


def test_a_job_lost_in_its_last_attempt_is_discarded_and_says_so(account, moved_clock):
    job = make_job(account, timeout_ms=1000, max_attempts=1)
    lifecycle.claim([job.id], clock.now(), clock.SECOND)
    moved_clock.advance(seconds=3)
    rescue_lost(clock.now())
    assert reread(job).state == "discarded"
    assert Attempt.get().next_at is None
    assert {row.event for row in LogEntry.select()} == {"worker.http.error", "worker.job.discarded"}
    [given_up] = LogEntry.select().where(LogEntry.event == "worker.job.discarded")
    assert '"reason":"worker_lost"' in given_up.payload


def test_a_schedule_that_another_session_holds_keeps_no_job_from_coming_back(account, db, moved_clock):
    """One that was given up waited for the row of its schedule, and all that were lost with it."""
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    job = make_job(account, timeout_ms=0)
    schedule_id = make_schedule(account)
    Job.update(max_attempts=1, timeout_ms=0).where(Job.schedule_id == schedule_id).execute()
    [given_up] = Job.select().where(Job.schedule_id == schedule_id)
    claims.claim([job.id, given_up.id], clock.now(), 0)
    execute("SET lock_timeout = 1")

    with held_elsewhere("schedule", schedule_id), pytest.raises(OperationalError):
        rescue_lost(clock.now())

    assert [reread(each).state for each in (job, given_up)] == ["available", "executing"]
    assert rescue_lost(clock.now()) == 1
    assert reread(given_up).state == "discarded"


def test_nothing_is_rescued_while_leases_run(account, moved_clock):
    lifecycle.claim([make_job(account).id], clock.now(), clock.SECOND)
    assert rescue_lost(clock.now()) == 0
    assert Attempt.select().count() == 0


def test_a_job_that_ended_its_worker_three_times_is_discarded_as_crashed(account, moved_clock):
    job = make_job(account, timeout_ms=1000)
    for _ in range(3):
        lifecycle.claim([job.id], clock.now(), clock.SECOND)
        moved_clock.advance(seconds=3)
        rescue_lost(clock.now())
    assert reread(job).state == "discarded"

    [given_up] = LogEntry.select().where(LogEntry.event == "worker.job.discarded")
    assert '"reason":"crashed"' in given_up.payload
    assert Attempt.select().count() == 3


def lost_in(account, moved_clock, gate, attempts):
    """Of two jobs of a lane the first loses its worker in the first of so many attempts. Which may begin then."""
    ids = order(account, gate, count=2)
    Job.update(max_attempts=attempts, timeout_ms=1000).execute()
    let_through(ids)
    moved_clock.advance(seconds=MARGIN / clock.SECOND + 2)
    rescue_lost(clock.now())
    return [ids.index(each) for each in ids_through(ids)]


def test_a_lane_stops_at_a_job_whose_worker_fell_silent_for_the_last_time(account, moved_clock):
    assert lost_in(account, moved_clock, lane(stops=True), attempts=1) == []


def test_a_lane_does_not_stop_at_a_job_that_comes_back_or_where_it_is_to_go_on(account, moved_clock):
    assert lost_in(account, moved_clock, lane("back", stops=True), attempts=2) == [0]
    assert lost_in(account, moved_clock, lane("on", stops=False), attempts=1) == [1]


ONE_ATTEMPT = {"max_attempts": 1, "timeout_ms": 1000}


def claim_next(schedule_id):
    """Its next job, at its time."""
    planning.plan(clock.now(), 10)
    waiting = Job.select().where(Job.schedule_id == schedule_id, Job.state.in_(states.WAITING))
    [job] = claims.claim([job.id for job in waiting.order_by(Job.fire_at)], clock.now(), clock.SECOND)
    return job


def lose_next(schedule_id, moved_clock):
    """The worker of its next job falls silent; the clock goes on to the one after it."""
    job = claim_next(schedule_id)
    moved_clock.advance(minutes=59)
    rescue_lost(clock.now())
    moved_clock.advance(minutes=1)
    return job


@pytest.fixture
def schedule_id(account, moved_clock):
    """A schedule whose jobs have one attempt each, and that is disabled after two failures in a row."""
    return create_schedule(account, ONE_ATTEMPT, disable_after=2).id


def test_a_schedule_whose_jobs_end_their_workers_is_disabled_by_failures(schedule_id, moved_clock):
    lose_next(schedule_id, moved_clock)
    assert (Schedule.get().failures, Schedule.get().disabled_at) == (1, None)
    lose_next(schedule_id, moved_clock)
    assert Schedule.get().failures == 2
    assert Schedule.get().disabled_at is not None


def test_an_incident_of_a_lost_job_says_that_its_worker_fell_silent(account, schedule_id, moved_clock):
    """It gave no reason at all."""
    make_alert(account)

    lose_next(schedule_id, moved_clock)
    look()

    assert Incident.get().detail == "its worker fell silent (worker_lost)"


def test_a_lost_job_with_attempts_left_is_no_failure_of_its_schedule(schedule_id, moved_clock):
    Job.update(max_attempts=2).execute()
    lose_next(schedule_id, moved_clock)
    assert Schedule.get().failures == 0


def test_a_job_lost_from_before_its_schedule_was_enabled_again_is_no_failure(account, schedule_id, moved_clock):
    claim_next(schedule_id)
    moved_clock.advance(seconds=1)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    moved_clock.advance(seconds=60)
    rescue_lost(clock.now())
    assert Schedule.get().failures == 0


def test_a_job_from_before_its_schedule_was_enabled_again_is_no_failure_however_late_it_is_lost(
    account, schedule_id, moved_clock
):
    Job.update(max_attempts=2).execute()
    job = claim_next(schedule_id)
    moved_clock.advance(seconds=1)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    moved_clock.advance(seconds=60)
    rescue_lost(clock.now())
    assert [again.attempt for again in claims.claim([job.id], clock.now(), clock.SECOND)] == [2]
    moved_clock.advance(seconds=60)

    rescue_lost(clock.now())

    assert reread(job).state == "discarded"
    assert Schedule.get().failures == 0
