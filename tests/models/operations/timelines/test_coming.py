"""What lies ahead on the timeline: jobs that wait, counts where they are many, and instants that schedules plan."""

import json
import uuid

import pytest

from models.accounts import account_store
from models.jobs.job_kinds import REQUEST
from models.jobs.job_tables import Job
from models.jobs.searches.job_filter import JobFilter
from models.operations.timelines import coming_jobs, planned_instants
from models.rules import clock
from models.rules.clock import HOUR, MINUTE
from models.schedules import schedule_changes
from models.schedules.schedule_tables import Schedule
from tests.support.rows import make_job, make_jobs
from tests.support.schedule_rows import make_schedule

ALL = JobFilter(REQUEST)
EVERY_TEN_MINUTES = json.dumps({"repeat_every": [10, "minutes"]})


def waiting(account, job_filter=ALL):
    now = clock.now()
    return coming_jobs.waiting(account.id, job_filter, now, now + HOUR, MINUTE)


def test_jobs_that_wait_come_soonest_first(account, moved_clock):
    late, soon = make_job(account, "scheduled", 600), make_job(account, "retryable", 60, attempt=1)
    make_job(account, "scheduled", 3600)
    make_job(account, "completed", 60)
    make_job(account_store.account_named("other", clock.now()), "scheduled", 60)

    coming = waiting(account)

    assert [job.id for job in coming.jobs] == [soon.id, late.id]
    assert coming.counts is None


@pytest.mark.parametrize("host", [None, "a.example"])
def test_jobs_of_one_instant_come_in_the_order_in_which_they_were_made(account, moved_clock, host):
    jobs = [make_job(account, "scheduled", 60, host="a.example") for _ in range(5)]
    for job in (jobs[0], jobs[2]):  # a row that was written again lies behind the others
        Job.update(state="retryable").where(Job.id == job.id).execute()

    coming = waiting(account, ALL._replace(host=host))

    assert [job.id for job in coming.jobs] == [job.id for job in jobs]


def test_of_schedules_of_one_instant_the_same_are_planned_each_time(account, moved_clock, monkeypatch):
    monkeypatch.setattr(planned_instants, "SCHEDULES", 2)
    ids = sorted(make_schedule(account, EVERY_TEN_MINUTES, first_in_s=600) for _ in range(5))
    for schedule_id in (ids[0], ids[1]):
        Schedule.update(name="changed").where(Schedule.id == schedule_id).execute()

    instants = planned_instants.ahead(account.id, clock.now() + HOUR)

    assert {instant.schedule_id for instant in instants} == set(ids[:2])


def test_many_are_counted_by_slice_and_a_few_of_them_listed(account, moved_clock, monkeypatch):
    monkeypatch.setattr(coming_jobs, "SHOWN", 10)
    monkeypatch.setattr(coming_jobs, "COUNTED", 15)
    for number in range(20):
        make_job(account, "scheduled", 65)
        make_job(account, "scheduled", 130 + number * 120)

    coming = waiting(account)

    offsets = {(at - clock.now()) // MINUTE: jobs for at, jobs in coming.counts.items() if jobs}
    assert offsets[1] == 15
    assert offsets[2] == offsets[4] == 1
    assert len(coming.jobs) == 21


def test_a_filter_leaves_its_jobs(account, moved_clock):
    chosen = make_job(account, "scheduled", 60, host="api.example.com")
    make_job(account, "scheduled", 60, host="other.example.com")

    assert [job.id for job in waiting(account, ALL._replace(host="api.example.com")).jobs] == [chosen.id]


def test_jobs_under_way_are_those_of_the_account_that_run(account, moved_clock):
    chosen = make_job(account, "executing", attempt=1, attempted_at=clock.now(), host="api.example.com")
    make_job(account, "scheduled", 60)
    make_job(account_store.account_named("other", clock.now()), "executing", attempt=1, attempted_at=clock.now())

    assert [job.id for job in coming_jobs.running(account.id, ALL).jobs] == [chosen.id]
    assert coming_jobs.running(account.id, ALL._replace(host="other.example.com")) == ([], False)


def test_jobs_that_a_filter_never_looked_at_are_no_reason_to_say_that_there_are_none(account, moved_clock, monkeypatch):
    """A list that was cut before the filter was taken for whole: a host with jobs to come had "0 to come"."""
    monkeypatch.setattr(coming_jobs, "LOOKED_AT", 5)
    make_jobs(account, [60] * 5, "scheduled", "https://a.example/")
    of_b = ALL._replace(host="b.example")
    assert waiting(account, of_b) == ([], None, True)

    make_jobs(account, [120], "scheduled", "https://b.example/")

    assert waiting(account, of_b) == ([], None, False)


@pytest.mark.parametrize("state", ["available", "executing"])
@pytest.mark.parametrize("column", ["host", "schedule"])
def test_newer_jobs_that_a_filter_leaves_out_do_not_hide_that_there_are_others(
    account, moved_clock, monkeypatch, state, column
):
    monkeypatch.setattr(coming_jobs, "RUNNING", 3)
    of_deleted = str(uuid.uuid4())
    make_job(account, state, host="b.example", schedule_id=of_deleted, attempted_at=clock.now())
    of_b = ALL._replace(**{column: {"host": "b.example", "schedule": of_deleted}[column]})
    for _ in range(2):
        make_job(account, state, inserted_at=clock.now() + 1, attempted_at=clock.now())
    assert not coming_jobs.running(account.id, of_b).was_cut

    make_job(account, state, inserted_at=clock.now() + 1, attempted_at=clock.now())

    assert coming_jobs.running(account.id, of_b) == ([], True)


@pytest.mark.parametrize("host", [None, "b.example"])
def test_overdue_jobs_are_said_to_be_cut_where_there_are_others(account, moved_clock, monkeypatch, host):
    monkeypatch.setattr(coming_jobs, "OVERDUE", 3)
    first, last = clock.now() - HOUR, clock.now()
    make_jobs(account, [-60] * 3, "retryable", host="b.example")
    of_host = ALL._replace(host=host)
    assert not coming_jobs.overdue(account.id, of_host, first, last).was_cut

    make_jobs(account, [-30], "retryable", host="b.example")

    jobs, was_cut = coming_jobs.overdue(account.id, of_host, first, last)
    assert (len(jobs), was_cut) == (3, True)


def test_the_instants_ahead_are_those_that_have_no_job_yet(account, moved_clock):
    key = make_schedule(account, EVERY_TEN_MINUTES, first_in_s=600)

    ahead = planned_instants.ahead(account.id, clock.now() + HOUR)

    assert [(each.schedule_id, (each.at - clock.now()) // MINUTE) for each in ahead] == [
        *[(key, minute) for minute in (20, 30, 40, 50)]
    ]


def test_the_instants_ahead_have_the_jitter_of_their_jobs(account, moved_clock):
    key = make_schedule(account, EVERY_TEN_MINUTES, first_in_s=600)
    Schedule.update(offset_us=7 * MINUTE).where(Schedule.id == key).execute()

    ahead = planned_instants.ahead(account.id, clock.now() + HOUR)

    assert [(each.at - clock.now()) // MINUTE for each in ahead] == [27, 37, 47, 57]


def test_a_schedule_that_is_disabled_or_another_accounts_plans_nothing(account, moved_clock):
    key = make_schedule(account, EVERY_TEN_MINUTES, first_in_s=600)
    other = account_store.account_named("other", clock.now())

    assert planned_instants.ahead(other.id, clock.now() + HOUR, key) == []
    schedule_changes.disable(account.id, key, clock.now())
    assert planned_instants.ahead(account.id, clock.now() + HOUR) == []


def test_no_more_instants_are_planned_than_runs_are_left(account, moved_clock):
    bounded = json.dumps({"repeat_every": [10, "minutes"], "max_runs": 3})
    make_schedule(account, bounded, first_in_s=600)

    assert len(planned_instants.ahead(account.id, clock.now() + HOUR)) == 2


@pytest.mark.parametrize(
    "frequency", [{"repeat_every": [1, "minute"]}, {"cron": "* * * * *", "timezone": "Europe/Berlin"}]
)
def test_more_instants_than_can_be_shown_are_spread_over_the_time(account, moved_clock, monkeypatch, frequency):
    """The first ones alone looked as if the schedule ended."""
    monkeypatch.setattr(planned_instants, "INSTANTS", 12)
    make_schedule(account, json.dumps(frequency), first_in_s=60)

    ahead = planned_instants.ahead(account.id, clock.now() + HOUR)

    minutes = [(each.at - clock.now()) / MINUTE for each in ahead]
    assert len(minutes) == 12
    assert all(minute == int(minute) for minute in minutes)
    assert minutes[-1] > 50


def test_a_zone_that_is_unknown_here_plans_nothing(account, moved_clock):
    key = make_schedule(account, EVERY_TEN_MINUTES, first_in_s=600)
    Schedule.update(frequency='{"cron":"* * * * *","timezone":"Atlantis/Capital"}').where(Schedule.id == key).execute()

    assert planned_instants.ahead(account.id, clock.now() + HOUR) == []
