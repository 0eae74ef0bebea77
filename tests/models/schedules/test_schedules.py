"""What clients ask of schedules: changes, disabling and deleting, alone and at once, and that no instant gets lost."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import cancelling
from models.rules import clock
from models.schedules import schedule_store
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Schedule
from tests.support.schedule_rows import HOURLY, firings_of, jobs_of, make_schedule, run_ticker, waiting_jobs_of

TWO_HOURLY = json.dumps({"repeat_every": [2, "hours"]})


def a_definition(account, frequency=HOURLY, url="http://127.0.0.1:9/", **more):
    order = NewJob(account.id, json.dumps({"url": url}), None, None, clock.now())
    return NewSchedule(order, frequency, clock.now(), **more)


def finish_all():
    Job.update(state="completed").where(Job.state == "executing").execute()


def test_what_passed_while_disabled_is_rows_though_the_frequency_was_changed_meanwhile(account, moved_clock):
    one = make_schedule(account)
    run_ticker()
    schedule_store.disable(account.id, one, clock.now())
    moved_clock.advance(minutes=150)
    schedule_store.replace(account.id, one, a_definition(account, TWO_HOURLY), clock.now())
    moved_clock.advance(hours=2)
    schedule_store.enable(account.id, one, clock.now(), 100)
    passed = [(3600, "disabled"), (7200, "disabled"), (9000, "disabled"), (16200, "disabled")]
    assert firings_of(one) == [(0, "fired"), *passed]


def test_changing_the_frequency_of_an_enabled_one_makes_no_row(account, moved_clock):
    one = make_schedule(account)
    run_ticker()
    moved_clock.advance(minutes=30)
    schedule_store.replace(account.id, one, a_definition(account, TWO_HOURLY), clock.now())
    assert firings_of(one) == [(0, "fired")]


def test_an_instant_that_its_owner_cancelled_stays_so_when_the_schedule_is_enabled_again(account, moved_clock):
    one = make_schedule(account)
    run_ticker()
    finish_all()
    cancelling.cancel(account.id, waiting_jobs_of(one)[0].id, clock.now())
    schedule_store.disable(account.id, one, clock.now())
    schedule_store.enable(account.id, one, clock.now(), 100)
    moved_clock.advance(hours=1)
    assert run_ticker() == []
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1
    assert firings_of(one) == [(0, "fired"), (3600, "cancelled"), (7200, "fired")]


def test_putting_one_that_is_deleted_at_the_same_time_makes_it_anew(account, moved_clock, monkeypatch):
    before, _ = schedule_store.put(a_definition(account, key="k"), clock.now(), 100)
    asked = schedule_store._id_of

    def found_and_deleted(account_id, key):
        monkeypatch.setattr(schedule_store, "_id_of", asked)
        found = asked(account_id, key)
        schedule_store.delete(account_id, key, clock.now())
        return found

    monkeypatch.setattr(schedule_store, "_id_of", found_and_deleted)
    after, made = schedule_store.put(a_definition(account, key="k"), clock.now(), 100)
    assert (made, after.id == before.id) == (True, False)
    assert [job.state for job in jobs_of(after.id)] == ["available"]
    assert Schedule.select().count() == 1


def test_putting_one_more_than_may_be_is_refused_and_changing_one_is_not(account, moved_clock):
    schedule_store.put(a_definition(account, key="k"), clock.now(), 1)
    with pytest.raises(schedule_store.TooMany):
        schedule_store.put(a_definition(account, key="other"), clock.now(), 1)
    _, made = schedule_store.put(a_definition(account, TWO_HOURLY, key="k"), clock.now(), 1)
    assert not made


WEBHOOK = json.dumps({"webhook": "http://127.0.0.1:9/events"})


@pytest.mark.parametrize("stop", [schedule_store.disable, schedule_store.delete])
def test_a_job_that_waited_for_its_retry_when_its_schedule_stopped_is_told_of(account, moved_clock, stop):
    new = a_definition(account)
    row, _, _ = schedule_store.create(new._replace(order=new.order._replace(notify=WEBHOOK)), clock.now(), 100)
    [begun] = run_ticker()
    lifecycle.retry([(begun, clock.now() + clock.MINUTE)])
    stop(account.id, row.id, clock.now())
    [event] = Job.select().where(Job.kind == "event", Job.parent_id == begun.id)
    assert json.loads(event.body)["type"] == "job.cancelled"
    assert [job.state for job in jobs_of(row.id)] == ["cancelled", "cancelled"]
