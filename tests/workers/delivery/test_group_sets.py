"""Schedules that name a group: at each instant a job for each target that the group has then."""

import json

import pytest

from models.accounts import target_groups
from models.accounts.target_groups import Target
from models.database.base import column_names
from models.jobs import lifecycle, states
from models.jobs.job_kinds import GROUP
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Attempt, Job, JobLabel, LogEntry
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_store import NewSchedule
from models.schedules.schedule_tables import Schedule
from models.webhooks import endpoints
from tests.support.follow_ups import follow_up_bodies
from tests.support.rows import reread
from tests.support.schedule_rows import HOURLY, jobs_of, run_ticker
from workers.delivery import group_sets
from workers.delivery.attempt_records import Result
from workers.delivery.recorder import record
from workers.transport.wire_format import Request

EU = Target("eu", "https://eu.example/hook", {"Authorization": "Bearer eu"})
US = Target("us", "https://us.example/hook", {})
ARGS = {"group": "regions", "method": "post", "headers": {"X-A": "1"}, "labels": ["l"], "repeat_every": 3600}
NO_REQUEST = Request("GET", "", {}, None, 0)


@pytest.fixture
def schedule(account, moved_clock):
    target_groups.put(account.id, "regions", [EU, US], clock.now())
    job = NewJob(account.id, json.dumps(ARGS), b'{"at": "$state.x"}', "application/json", clock.now(), kind=GROUP)
    job = job._replace(notify='{"callback":"https://a.example/"}', labels=("l",), max_attempts=3, ack_within_us=7)
    return schedule_changes.create(NewSchedule(job, HOURLY, clock.now()), clock.now(), 100)[0]


def make_set():
    """The schedule's job of this instant, which has made its set."""
    [claim] = run_ticker()
    record([Result(claim, NO_REQUEST, group_sets.make(claim), clock.now())])
    return claim


def set_of(claim):
    return list(Job.select().where(Job.parent_id == claim.id, Job.kind == "request").order_by(Job.id))


def test_at_an_instant_each_target_gets_a_job_of_its_own(schedule, moved_clock):
    claim = make_set()

    assert (claim.kind, reread(claim).state) == (GROUP, "completed")
    first, second = set_of(claim)
    assert [job.name for job in (first, second)] == ["eu", "us"]
    assert [job.host for job in (first, second)] == ["eu.example", "us.example"]
    assert json.loads(first.args) == {
        **{"method": "post", "labels": ["l"], "url": EU.url, "name": "eu"},
        "headers": {"X-A": "1", "Authorization": "Bearer eu"},
    }
    assert json.loads(second.args)["headers"] == {"X-A": "1"}
    assert {(job.state, job.schedule_id, job.fire_at, job.max_attempts) for job in (first, second)} == {
        ("available", schedule.id, None, 3)
    }
    assert (first.notify, first.ack_within_us) == ('{"callback":"https://a.example/"}', 7)
    labeled = {row.job_id for row in JobLabel.select().where(JobLabel.label == "l")}
    assert {first.id, second.id} <= labeled
    body = json.loads(bytes(first.body))
    assert (body["at"], body["$job"]) == (None, {"id": claim.id})


OWN = {  # columns in which the jobs of a set differ from the job that makes them
    *("id", "uuid", "args", "kind", "name", "description", "host", "body", "parent_id", "fire_at", "state"),
    *("scheduled_at", "inserted_at", "attempt", "attempted_at", "completed_at", "claim_id", "lease_until"),
    *("staged_at", "staged_count", "held_until"),
}


def test_each_job_of_a_set_has_all_else_from_the_job_that_makes_it(schedule, moved_clock):
    [claim] = run_ticker()
    values = {
        "retry_until": 9,
        "redact": '["body"]',
        "judging": '{"stop_on":[404]}',
        "backoff": '{"delay":1}',
        "hops": 2,
    }
    Job.update(**values).where(Job.id == claim.id).execute()

    group_sets.make(claim._replace(**values))

    maker = reread(claim)
    for job in set_of(claim):
        kept = {name: (getattr(job, name), getattr(maker, name)) for name in column_names(Job) if name not in OWN}
        assert {name: pair for name, pair in kept.items() if pair[0] != pair[1]} == {}
        assert {name: getattr(job, name) for name in values} == values


def test_a_set_that_is_made_again_after_a_crash_is_the_same(schedule):
    [claim] = run_ticker()
    group_sets.make(claim)
    made = [job.uuid for job in set_of(claim)]
    group_sets.make(claim)
    assert [job.uuid for job in set_of(claim)] == made
    assert len(made) == 2


def test_the_next_instant_finds_the_targets_that_the_group_has_then(account, schedule, moved_clock):
    for job in set_of(make_set()):
        job.delete_instance()
    target_groups.put(account.id, "regions", [US], clock.now())
    moved_clock.advance(hours=1)
    assert [job.name for job in set_of(make_set())] == ["us"]


def test_without_its_group_an_instant_is_a_failure_that_says_why(account, schedule, moved_clock):
    target_groups.delete(account.id, "regions")
    claim = make_set()
    assert (reread(claim).state, Attempt.get().reason) == ("discarded", "no_group")
    assert set_of(claim) == []
    assert Schedule.get_by_id(schedule.id).failures == 1


def test_the_schedule_s_own_job_notifies_nobody_and_logs_no_request(account, schedule):
    endpoints.create(account.id, "https://a.example/", None, True, clock.now())
    claim = make_set()
    assert follow_up_bodies("event") == follow_up_bodies("callback") == []
    assert [row.event for row in LogEntry.select().where(LogEntry.job_id == claim.id)] == ["worker.http.response"]


def test_while_a_job_of_the_set_is_under_way_the_next_instant_overlaps(schedule, moved_clock):
    first, _ = set_of(make_set())
    [under_way] = lifecycle.claim([first.id], clock.now(), clock.DAY)
    moved_clock.advance(hours=1)

    others = run_ticker()
    assert [claim.kind for claim in others] == ["request"]  # the other job of the set

    assert [job.state for job in jobs_of(schedule.id) if job.kind == GROUP][:2] == ["completed", "cancelled"]
    lifecycle.complete([under_way], clock.now())
    moved_clock.advance(hours=1)
    lifecycle.complete(others, clock.now())
    assert [job.kind for job in run_ticker()] == [GROUP]


def test_a_schedule_that_is_disabled_cancels_the_jobs_of_the_set_that_wait(account, schedule):
    claim = make_set()
    schedule_changes.disable(account.id, schedule.id, clock.now())
    assert {job.state for job in set_of(claim)} == {"cancelled"}
    assert not Job.select().where(Job.schedule_id == schedule.id, Job.state.in_(states.WAITING)).exists()
