"""What is told of jobs that are cancelled with their schedule, or because they may not begin."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule
from tests.support.follow_ups import follow_ups
from tests.support.schedule_rows import HOURLY, run_ticker
from workers.delivery.config_cache import ConfigCache
from workers.delivery.job_events import add_of_claims

HOOK = "http://hooks.example/"
NOTIFY = json.dumps({"callback": f"{HOOK}callback", "webhook": f"{HOOK}events"})


def make_notifying_schedule(account, notify=NOTIFY, **policies):
    now = clock.now()
    order = NewJob(account.id, json.dumps({"url": "http://127.0.0.1:9/"}), None, None, now, notify=notify)
    return schedule_changes.create(NewSchedule(order, HOURLY, now, **policies), now, 100)[0].id


def subjects_of(kind):
    """(which job, what) of the follow-ups of this kind, in their order."""
    bodies = [(job.parent_id, json.loads(job.body)) for job in follow_ups(kind)]
    return [(parent_id, body.get("type") or body["error"]) for parent_id, body in bodies]


def cancelled():
    return [job.id for job in Job.select().where(Job.state == "cancelled").order_by(Job.id)]


def disable(account, schedule_id):
    schedule_changes.disable(account.id, schedule_id, clock.now())


def delete(account, schedule_id):
    schedule_changes.delete(account.id, schedule_id, clock.now())


@pytest.mark.parametrize("end", [disable, delete])
def test_jobs_cancelled_with_their_schedule_are_told_of(account, moved_clock, end):
    end(account, make_notifying_schedule(account))
    ended = cancelled()
    assert len(ended) == 2  # the one that is due, and the next
    assert subjects_of("callback") == [(job_id, "cancelled") for job_id in ended]
    assert subjects_of("event") == [(job_id, "job.cancelled") for job_id in ended]


def test_disabling_a_schedule_notifies_of_a_job_that_waits_for_its_retry(account, moved_clock):
    """A job that waits for its retry is told of when its schedule is disabled."""
    schedule_id = make_notifying_schedule(account)
    [claim] = run_ticker()
    add_of_claims([claim], ConfigCache(), clock.now())
    lifecycle.retry([(claim, clock.now() + clock.MINUTE)])

    disable(account, schedule_id)

    assert [what for job_id, what in subjects_of("event") if job_id == claim.id] == [
        "job.started",
        "job.request",
        "job.cancelled",
    ]


def test_a_job_skipped_for_the_overlap_is_told_of(account, moved_clock):
    make_notifying_schedule(account)
    run_ticker()
    moved_clock.advance(hours=1)
    assert run_ticker() == []
    [job_id] = cancelled()
    assert subjects_of("callback") == [(job_id, "cancelled")]
    assert subjects_of("event") == [(job_id, "job.cancelled")]


def test_a_job_that_came_too_late_to_begin_is_told_of(account, moved_clock):
    make_notifying_schedule(account, misfire="skip")
    moved_clock.advance(minutes=30)
    run_ticker()
    [job_id] = cancelled()
    assert subjects_of("callback") == [(job_id, "cancelled")]
    assert subjects_of("event") == [(job_id, "job.cancelled")]


def test_jobs_of_a_schedule_that_tells_nobody_make_nothing(account, moved_clock):
    disable(account, make_notifying_schedule(account, notify=None))
    assert len(cancelled()) == 2
    assert subjects_of("callback") == subjects_of("event") == []
