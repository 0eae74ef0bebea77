"""Who cancels a job, its owner or its schedule: the same follows each time. So it does when a schedule is disabled."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_tables import Job, LogEntry
from models.operations import cancelling
from models.rules import clock
from models.schedules import disable as disabling
from models.schedules import planning, schedule_changes, schedule_store
from models.schedules.schedule_tables import Schedule
from tests.support.rows import claim_job, make_job, reread
from tests.support.samples import Grown
from tests.support.schedule_rows import create_schedule, firings_of, run_ticker, waiting_jobs_of

UNKNOWN_ZONE = json.dumps({"cron": "0 * * * *", "timezone": "Europe/Atlantis"})


def disable(account, schedule_id, moved_clock):
    schedule_changes.disable(account.id, schedule_id, clock.now())


def delete(account, schedule_id, moved_clock):
    schedule_changes.delete(account.id, schedule_id, clock.now())


def overlap(account, schedule_id, moved_clock):
    run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()


def come_too_late(account, schedule_id, moved_clock):
    Schedule.update(next_at=None).execute()
    moved_clock.advance(hours=3)
    run_ticker()


def lose_its_zone(account, schedule_id, moved_clock):
    Schedule.update(frequency=UNKNOWN_ZONE).execute()
    moved_clock.advance(days=1, seconds=1)
    planning.plan(clock.now(), 10)


CANCELS = {
    disable: "its schedule was disabled",
    delete: "its schedule was deleted",
    overlap: "another job of its schedule was under way",
    come_too_late: "it could not begin in time",
    lose_its_zone: "its schedule was disabled: its next instant can't be computed",
}


def entries_of(job):
    rows = LogEntry.select().where(LogEntry.job_id == job.id).order_by(LogEntry.inserted_at, LogEntry.event)
    return [(row.event, json.loads(row.payload)) for row in rows]


@pytest.mark.parametrize("cancel", CANCELS)
def test_every_cancel_is_counted_and_logged_with_its_reason(account, moved_clock, cancel):
    schedule = create_schedule(account)
    grown = Grown()

    cancel(account, schedule.id, moved_clock)

    cancelled = list(Job.select().where(Job.state == "cancelled"))
    assert len(cancelled) == (2 if cancel in (disable, delete) else 1)
    assert grown("booper_jobs_total", transition="cancelled") == len(cancelled)
    for job in cancelled:
        assert ("worker.job.cancelled", {"reason": CANCELS[cancel]}) in entries_of(job)


def test_c9_a_schedule_whose_next_instant_cannot_be_computed_is_disabled_as_by_its_owner(account, moved_clock):
    schedule = create_schedule(account)
    Schedule.update(previous='{"seen": 1}').execute()

    lose_its_zone(account, schedule.id, moved_clock)

    row = schedule_store.find(account.id, schedule.id)
    assert (row.disabled_at, row.previous) == (clock.now(), None)
    assert waiting_jobs_of(schedule.id) == []
    assert firings_of(schedule.id) == [(0, "disabled")]


def test_the_log_of_its_latest_job_says_that_a_schedule_was_disabled_by_the_planner(account, moved_clock):
    schedule = create_schedule(account)
    [first] = run_ticker()
    moved_clock.advance(hours=1)

    lose_its_zone(account, schedule.id, moved_clock)

    [latest] = Job.select().where(Job.schedule_id == schedule.id, Job.id != first.id)
    assert entries_of(first) == []
    assert ("worker.schedule.disabled", {"reason": "its next instant can't be computed"}) in entries_of(latest)


def test_the_log_says_once_that_a_schedule_was_disabled_by_the_planner(account, moved_clock):
    schedule = create_schedule(account)
    run_ticker()

    for _ in range(2):
        disabling.disable_not_computable(schedule.id, account.id, clock.now())

    assert LogEntry.select().where(LogEntry.event == "worker.schedule.disabled").count() == 1


def test_a_job_cancelled_under_way_is_counted_once(account, moved_clock):
    claim, grown = claim_job(account), Grown()

    cancelling.cancel(account.id, claim.id, clock.now())
    lifecycle.close_cancelled_claims([claim])

    assert reread(claim).state == "cancelled"
    assert grown.transitions() == {"cancelled": 1}


def test_a_cancel_by_another_account_changes_nothing(account):
    job = make_job(account)
    assert cancelling.cancel(account.id + 1, job.id, clock.now()) is None
    assert reread(job).state == "available"
