"""What is told of jobs that are cancelled with their schedule, or because they may not begin."""

import json

import pytest

from models import clock, firings, lifecycle, planning, schedules
from models.job import Job
from models.jobs import NewJob
from models.schedules import NewSchedule
from workers.followups import add_of_claims
from workers.remembered import Remembered

HOOK = "http://hooks.example/"
NOTIFY = json.dumps({"callback": f"{HOOK}callback", "webhook": f"{HOOK}events"})
HOURLY = json.dumps({"repeat_every": [1, "hour"]})


def make(account, notify=NOTIFY, **policies):
    now = clock.now()
    order = NewJob(account.id, json.dumps({"url": "http://127.0.0.1:9/"}), None, None, now, notify=notify)
    return schedules.create(NewSchedule(order, HOURLY, now, **policies), now, 100)[0].id


def tick():
    firings.expire(clock.now(), 100)
    planning.plan(clock.now(), 100)
    due = Job.select().where(Job.kind == "request", Job.state.in_(lifecycle.WAITING), Job.scheduled_at <= clock.now())
    return firings.claim([job.id for job in due], clock.now(), clock.SECOND)


def told(kind):
    """(which job, what) of the follow-ups of this kind, in their order."""
    found = [(job.parent_id, json.loads(job.body)) for job in Job.select().where(Job.kind == kind).order_by(Job.id)]
    return [(parent_id, body.get("type") or body["error"]) for parent_id, body in found]


def cancelled():
    return [job.id for job in Job.select().where(Job.state == "cancelled").order_by(Job.id)]


def disable(account, one):
    schedules.disable(account.id, one, clock.now())


def delete(account, one):
    schedules.delete(account.id, one, clock.now())


@pytest.mark.parametrize("end", [disable, delete])
def test_jobs_cancelled_with_their_schedule_are_told_of(account, moved_clock, end):
    end(account, make(account))
    ended = cancelled()
    assert len(ended) == 2  # the one that is due, and the next
    assert told("callback") == [(job_id, "cancelled") for job_id in ended]
    assert told("event") == [(job_id, "job.cancelled") for job_id in ended]


def test_a_job_that_waits_for_its_retry_is_told_of_when_its_schedule_is_disabled(account, moved_clock):
    one = make(account)
    [claim] = tick()
    add_of_claims([claim], Remembered(), clock.now())
    lifecycle.retry([(claim, clock.now() + clock.MINUTE)])
    disable(account, one)
    assert [what for job_id, what in told("event") if job_id == claim.id] == [
        "job.started",
        "job.request",
        "job.cancelled",
    ]


def test_a_job_skipped_for_the_overlap_is_told_of(account, moved_clock):
    make(account)
    tick()
    moved_clock.advance(hours=1)
    assert tick() == []
    [job_id] = cancelled()
    assert told("callback") == [(job_id, "cancelled")]
    assert told("event") == [(job_id, "job.cancelled")]


def test_a_job_that_came_too_late_to_begin_is_told_of(account, moved_clock):
    make(account, misfire="skip")
    moved_clock.advance(minutes=30)
    tick()
    [job_id] = cancelled()
    assert told("callback") == [(job_id, "cancelled")]
    assert told("event") == [(job_id, "job.cancelled")]


def test_jobs_of_a_schedule_that_tells_nobody_make_nothing(account, moved_clock):
    disable(account, make(account, notify=None))
    assert len(cancelled()) == 2
    assert told("callback") == told("event") == []
