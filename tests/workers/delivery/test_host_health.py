"""What the recorder tells the gates of hosts and flows: rests that targets ask for, failures, and that a host works."""

import json
from unittest.mock import Mock

import pytest
from peewee import OperationalError

from models.flows.gate_tables import Gate
from models.jobs import lifecycle
from models.jobs.job_kinds import EVENT
from models.jobs.job_tables import Job, LogEntry
from models.rules import clock
from models.rules.limits import FLOW, HOST
from models.webhooks import endpoints, host_events
from tests.support.flows import MARGIN, flow, gate_of, let_through, order
from tests.support.races import at_once
from workers.delivery.attempt_records import Result
from workers.delivery.host_health import HostHealth
from workers.transport.outcome import Answered, Refused, Timings, Unreachable
from workers.transport.wire_format import Request

A_HOST = "a.example"
URL = "https://hooks.example/"


def answered(status, **headers):
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answered(status, named, b"", False, Timings())


def result(job, outcome):
    return Result(job, Request("GET", "https://a.example/", {}, None, 1000), outcome, clock.now())


def claimed(account, *gates, count=1):
    return let_through(order(account, *gates, count=count, host=A_HOST))


def failures():
    return [gate.failures for gate in Gate.select().where(Gate.kind == HOST)]


@pytest.mark.parametrize(
    "outcome", [answered(500), answered(429), answered(503), Unreachable("connect", "", Timings())]
)
def test_attempts_that_show_a_failure_close_the_host(account, moved_clock, outcome):
    HostHealth(most=3).note([result(job, outcome) for job in claimed(account, count=3)])

    assert lifecycle.claim(order(account, host=A_HOST), clock.now(), MARGIN) == []


@pytest.mark.parametrize("outcome", [answered(200), answered(404), answered(302), Refused("blocked_address", "")])
def test_attempts_that_show_none_do_not(account, moved_clock, outcome):
    HostHealth(most=3).note([result(job, outcome) for job in claimed(account, count=3)])

    assert failures() == []


def test_what_a_job_counts_as_success_shows_no_failure(account, moved_clock):
    [job] = claimed(account)
    expected = job._replace(judging='{"success": {"status": ["503"]}}')

    HostHealth(most=1).note([result(expected, answered(503, retry_after="30"))])

    assert Gate.select().where(Gate.closed_until.is_null(False)).count() == 0


def test_a_success_of_the_host_takes_its_failures_back(account, moved_clock):
    health = HostHealth(most=3)
    first, second = claimed(account, count=2)
    health.note([result(first, answered(500))])

    health.note([result(second, answered(200))])

    assert failures() == [0]


def test_r1_a_target_that_asks_for_rest_is_left_alone(account, moved_clock):
    [job] = claimed(account)

    HostHealth().note([result(job, answered(429, retry_after="30"))])

    assert gate_of(HOST, A_HOST).closed_until == clock.now() + 30 * clock.SECOND


@pytest.mark.parametrize("wanted_s", [(30, 90, 60), (90, 30, 60), (30, 60, 90)])
@pytest.mark.parametrize(("gates", "held"), [((), (HOST, A_HOST)), ((flow("shop"),), (FLOW, "shop"))])
def test_of_rests_that_were_wanted_at_once_the_longest_counts(account, moved_clock, gates, held, wanted_s):
    jobs = claimed(account, *gates, count=len(wanted_s))

    HostHealth().note([result(job, answered(503, retry_after=str(s))) for job, s in zip(jobs, wanted_s, strict=True)])

    assert gate_of(*held).closed_until == clock.now() + 90 * clock.SECOND


def test_a_rest_holds_back_the_flow_of_the_job_where_there_is_one(account, moved_clock):
    [job] = claimed(account, flow("shop"))

    HostHealth().note([result(job, answered(503, retry_after="30"))])

    assert gate_of(FLOW, "shop").closed_until == clock.now() + 30 * clock.SECOND
    assert Gate.select().where(Gate.kind == HOST).count() == 0


@pytest.mark.parametrize(("longest_us", "rest_s"), [(clock.DAY, 3600), (clock.MINUTE, 60)])
def test_a_rest_lasts_no_longer_than_an_hour_and_than_the_operator_allows(account, moved_clock, longest_us, rest_s):
    [job] = claimed(account)

    HostHealth(longest_us=longest_us).note([result(job, answered(503, retry_after="7200"))])

    assert gate_of(HOST, A_HOST).closed_until == clock.now() + rest_s * clock.SECOND


def test_a_status_without_retry_after_asks_for_no_rest(account, moved_clock):
    [job] = claimed(account)

    HostHealth().note([result(job, answered(429))])

    assert Gate.select().where(Gate.closed_until.is_null(False)).count() == 0


def test_a_host_that_fails_and_works_again_is_told_once_each(account, moved_clock):
    endpoints.create(account.id, URL, None, True, clock.now())
    health, jobs = HostHealth(most=2), claimed(account, count=5)

    health.note([result(job, answered(500)) for job in jobs[:2]])
    health.note([result(jobs[2], answered(500))])
    moved_clock.advance(seconds=2)
    health.note([result(job, answered(200)) for job in jobs[3:]])

    sent = [json.loads(job.body) for job in events()]
    assert [(each["type"], each["data"]["host"]) for each in sent] == [
        ("host.failing", A_HOST),
        ("host.recovered", A_HOST),
    ]
    assert sent[0]["data"] == {
        "host": A_HOST,
        "failures": 2,
        "next_probe_at": "2026-01-01T09:00:10.000000Z",
        "job_id": jobs[1].id,
    }
    assert [(job.hops, job.endpoint_id is not None) for job in events()] == [(1, True)] * 2


def test_what_is_told_of_a_host_counts_the_hops_of_the_job_that_decided(account, moved_clock):
    """A receiver of events that orders jobs of Booper would go on for ever."""
    endpoints.create(account.id, URL, None, True, clock.now())
    ids = order(account, host=A_HOST)
    Job.update(hops=3).execute()

    HostHealth(most=1).note([result(job, answered(500)) for job in let_through(ids)])

    assert [job.hops for job in events()] == [4]


def test_a_host_that_fails_and_works_again_is_in_the_log(account, moved_clock):
    health, jobs = HostHealth(most=2), claimed(account, count=3)

    health.note([result(job, answered(500)) for job in jobs[:2]])
    moved_clock.advance(seconds=2)
    health.note([result(jobs[2], answered(200))])

    entries = LogEntry.select().order_by(LogEntry.inserted_at)
    assert [(entry.event, entry.job_id) for entry in entries] == [
        ("worker.host.failing", jobs[1].id),
        ("worker.host.recovered", jobs[2].id),
    ]
    assert events() == []


def test_an_endpoint_that_wants_other_events_is_not_told_of_hosts(account, moved_clock):
    endpoints.create(account.id, URL, '["job.finished"]', True, clock.now())

    HostHealth(most=1).note([result(job, answered(500)) for job in claimed(account)])

    assert events() == []


def test_a_failure_before_the_last_one_in_a_row_tells_nobody(account, moved_clock):
    endpoints.create(account.id, URL, None, True, clock.now())

    HostHealth(most=2).note([result(job, answered(500)) for job in claimed(account)])
    HostHealth(most=2).note([result(job, answered(200)) for job in claimed(account)])

    assert (events(), LogEntry.select().count()) == ([], 0)


def test_two_recorders_that_count_at_once_tell_of_a_host_once(account, moved_clock):
    endpoints.create(account.id, URL, None, True, clock.now())
    jobs = claimed(account, count=2)

    at_once(*[lambda job=job: HostHealth(most=1).note([result(job, answered(500))]) for job in jobs])

    assert len(events()) == 1


def test_an_event_that_can_not_be_stored_leaves_the_host_open(account, moved_clock, monkeypatch):
    monkeypatch.setattr(host_events, "add_log_entries", Mock(side_effect=OperationalError("the disk is full")))

    HostHealth(most=1).note([result(job, answered(500)) for job in claimed(account)])

    assert failures() == []


def events():
    return list(Job.select().where(Job.kind == EVENT).order_by(Job.id))
