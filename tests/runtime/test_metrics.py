"""The metrics: transitions count once committed, groups at once, and labels are bounded."""

import inspect
import threading
from contextlib import suppress

import pytest
from prometheus_client import Gauge

from models.alerts import change_counts, trial_messages
from models.database.connection import database
from models.database.transactions import after_commit, transaction
from models.jobs import job_store, lifecycle, staging, states
from models.jobs.job_kinds import ALERT, REQUEST
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.limits import GATES
from runtime import metrics
from tests.support.alerts import RECEIVER, fail_due, look, make_alert, send, succeed_due
from tests.support.results import answered, result_of
from tests.support.rows import claim_job, make_job, stage_all
from tests.support.samples import Grown
from tests.support.schedule_rows import create_schedule, run_ticker
from tests.support.transitions import VERBS, fitting_job, held, job_in
from workers.delivery.recorder import record
from workers.ticker.rescuer import rescue_lost
from workers.transport.outcome import Timings, Unreachable

BOUNDED = {
    "change",
    "result",
    "gate",
    "transition",
    "outcome",
    "status",
    "message",
    "how",
    "process",
    "method",
    "route",
    "version",
    "le",
}


HOOK = "https://hooks.slack.example/services/T0/s3cret"


@pytest.fixture
def grown():
    return Grown()


def new_job(account, **fields):
    return job_store.NewJob(account.id, '{"url": "https://example.com"}', None, None, clock.now(), **fields)


def test_each_transition_counts_the_jobs_it_changed(account, grown):
    job_store.create(new_job(account), clock.now())
    job_store.create_many([new_job(account), new_job(account)], clock.now())
    ids = [job.id for job in staging.due(0, clock.now(), 10)]
    stage_all()
    claims = lifecycle.claim(ids, clock.now(), clock.SECOND)

    record([result_of(claim, answered(status)) for claim, status in zip(claims, (204, 500, 410), strict=True)])

    assert grown.transitions() == {
        **dict.fromkeys(("created", "staged", "claimed"), 3),
        **dict.fromkeys(("completed", "retried", "discarded"), 1),
    }


def test_incidents_and_messages_about_them_count(account, moved_clock, grown, caplog):
    make_alert(account)
    create_schedule(account, {"name": "backup"})
    fail_due()
    look()
    send(moved_clock)
    [opened] = [job for job in run_ticker() if job.kind == "alert"]
    record([result_of(opened, answered(204))])
    moved_clock.advance(hours=1)
    succeed_due()
    look()
    send(moved_clock)
    [closed] = [job for job in run_ticker() if job.kind == "alert"]
    record([result_of(closed._replace(max_attempts=1), answered(500))])

    assert [grown("booper_incidents_total", change=name) for name in ("opened", "closed")] == [1, 1]
    results = [grown("booper_alert_messages_total", result=name) for name in ("made", "delivered", "given_up")]
    assert results == [2, 1, 1]
    assert f"given up: jobs [{closed.id}]" in caplog.text


def test_a_test_of_a_rule_counts_as_made_and_as_what_became_of_it(account, moved_clock, grown):
    rule = make_alert(account, to=[("webhook", RECEIVER), ("pagerduty", "R0KEY"), ("slack", HOOK)])

    trial_messages.send(account.id, rule.id, rule.name, clock.now())
    webhook, incident, slack = [job for job in run_ticker() if job.kind == ALERT]
    record([result_of(webhook, answered(204)), result_of(incident, answered(202))])
    record([result_of(slack._replace(max_attempts=1), answered(404))])

    results = [grown("booper_alert_messages_total", result=name) for name in ("made", "delivered", "given_up")]
    assert results == [4, 2, 1]  # the end of the test at PagerDuty waits still


def test_a_message_that_is_lost_with_its_worker_counts_as_given_up(account, moved_clock, grown):
    rule = make_alert(account)
    trial_messages.send(account.id, rule.id, rule.name, clock.now())
    Job.update(max_attempts=1).execute()
    make_job(account, "available", max_attempts=1)
    assert {job.kind for job in run_ticker()} == {ALERT, REQUEST}
    moved_clock.advance(hours=1)

    assert rescue_lost(clock.now()) == 2
    assert grown("booper_alert_messages_total", result="given_up") == 1


def test_too_many_tests_of_rules_count_as_none_made(account, moved_clock, grown):
    rule = make_alert(account)
    for _ in range(trial_messages.AN_HOUR):
        trial_messages.send(account.id, rule.id, rule.name, clock.now())
    with suppress(trial_messages.TooManyTests):
        trial_messages.send(account.id, rule.id, rule.name, clock.now())
    assert grown("booper_alert_messages_total", result="made") == trial_messages.AN_HOUR


def test_what_is_rolled_back_and_what_fails_without_a_rule_counts_no_incident(account, moved_clock, grown):
    create_schedule(account, {"name": "backup"})
    fail_due()
    look()
    with suppress(ZeroDivisionError), transaction():
        make_alert(account)
        change_counts.count(change_counts.OPENED, 1)
        raise ZeroDivisionError
    assert grown("booper_incidents_total", change="opened") == 0


def test_the_rest_of_the_transitions_count_too(account, grown):
    lifecycle.release([claim_job(account)])
    lifecycle.cancel([make_job(account).id], clock.now(), waiting_only=False)
    claim_job(account)
    lifecycle.rescue(clock.now(), 2**62)
    claim_job(account, max_attempts=1)
    lifecycle.discard_lost(clock.now(), 2**62)
    lifecycle.prune(0, {"cancelled": 2**62}, 100)

    counted = grown.transitions()

    assert {name: counted[name] for name in ("released", "cancelled", "rescued", "buried", "pruned")} == {
        **dict.fromkeys(("released", "cancelled", "rescued", "buried", "pruned"), 1)
    }
    assert grown("booper_attempts_total", outcome="lost", status="none") == 2


COUNTED = {
    **{"stage": "staged", "claim": "claimed", "complete": "completed", "retry": "retried", "discard": "discarded"},
    **{"release": "released", "cancel": "cancelled", "rescue": "rescued", "discard_lost": "buried", "prune": "pruned"},
    **{"change": "changed", "reschedule": "rescheduled", "hasten": "hastened"},
}
CHANGE_NO_STATE = {
    "cancelled_of",
    "close_cancelled_claims",
    "end_cancelled",
    "extend",
    "first_lost",
    "give_back_unknown",
    "hand_over",
    "held_of",
    "id_range",
    "keep_acknowledged",
    "new_claim_id",
    "wait_for_acks",
    "withdraw",
}


@pytest.mark.parametrize("verb", states.TRANSITIONS)
def test_every_transition_moves_its_counter(account, moved_clock, grown, verb):
    VERBS[verb](fitting_job(verb, account))

    assert grown.transitions() == {COUNTED[verb]: 1}


def test_every_function_of_the_lifecycle_is_a_transition_or_known_to_change_no_state():
    functions = {
        name
        for name, function in inspect.getmembers(lifecycle, inspect.isfunction)
        if function.__module__ == lifecycle.__name__ and not name.startswith("_")
    }

    deletes = {"delete"}  # as prune does, for an owner
    assert functions == (set(states.TRANSITIONS) - {"stage"}) | CHANGE_NO_STATE | deletes


def test_a_claim_of_a_cancelled_job_is_closed_without_a_count(account, moved_clock, grown):
    job = job_in("cancelled", account, claim_id=77)

    assert lifecycle.close_cancelled_claims([held(job)]) == {job.id}
    assert grown.transitions() == {}


def test_a_transition_that_is_rolled_back_is_not_counted(account, grown):
    job = make_job(account)
    with suppress(ZeroDivisionError), transaction():
        lifecycle.cancel([job.id], clock.now(), waiting_only=False)
        raise ZeroDivisionError
    stage_all()
    assert grown.transitions() == {"staged": 1}


def test_a_change_of_nothing_is_not_counted(account, grown):
    lifecycle.claim([make_job(account, due_in_s=60).id], clock.now(), clock.SECOND)
    assert grown.transitions() == {}


def test_a_callback_of_an_inner_block_waits_for_the_outermost_and_falls_with_its_own(db):
    done = []
    with transaction():
        with suppress(ZeroDivisionError), transaction():
            after_commit(lambda: done.append("rolled back"))
            raise ZeroDivisionError
        with transaction():
            after_commit(lambda: done.append("kept"))
        assert done == []

    after_commit(lambda: done.append("outside"))

    assert done == ["kept", "outside"]


def test_attempts_are_counted_by_outcome_and_measured(account, grown):
    claims = [claim_job(account) for _ in range(4)]
    slow = Unreachable("timeout", "after 2 s", Timings(total_ms=2000.0))
    outcomes = [*(answered(status, total_ms=3.0) for status in (200, 999)), answered(204, total_ms=30.0), slow]

    record([result_of(claim, outcome) for claim, outcome in zip(claims, outcomes, strict=True)])

    assert grown("booper_attempts_total", outcome="answered", status="2xx") == 2
    assert grown("booper_attempts_total", outcome="answered", status="none") == 1
    assert grown("booper_attempts_total", outcome="unreachable", status="none") == 1
    assert grown("booper_attempt_duration_seconds_count") == 4
    assert grown("booper_attempt_duration_seconds_sum") == pytest.approx(2.036)
    assert grown("booper_attempt_duration_seconds_bucket", le="0.005") == 2
    assert grown("booper_attempt_duration_seconds_bucket", le="2.5") == 4


def test_an_attempt_that_its_claim_no_longer_held_is_not_counted(account, grown):
    claim = claim_job(account)
    lifecycle.rescue(clock.now(), 2**62)
    record([result_of(claim, answered(200))])
    assert grown("booper_attempts_total", outcome="answered", status="2xx") == 0


@pytest.mark.parametrize(("lateness_us", "le", "within"), [(0, "0.001", 1), (1001, "0.001", 0), (1001, "0.0025", 1)])
def test_lateness_is_the_start_minus_the_due_instant(account, moved_clock, grown, lateness_us, le, within):
    job = make_job(account)
    moved_clock.now += lateness_us
    [claim] = lifecycle.claim([job.id], clock.now(), clock.SECOND)
    metrics.count_claimed([claim])
    assert grown("booper_lateness_seconds_bucket", le=le) == within
    assert grown("booper_lateness_seconds_bucket", le="+Inf") == 1
    assert grown("booper_lateness_seconds_sum") == pytest.approx(lateness_us / 1e6)


def test_a_group_is_observed_as_its_values_one_by_one_would_be(grown):
    values = [0.0, 0.005, 0.0050001, 7, 10**6]
    metrics.DURATION.observe_all(values)
    at_once = {le: grown("booper_attempt_duration_seconds_bucket", le=le) for le in ("0.005", "0.01", "10.0", "+Inf")}
    assert at_once == {"0.005": 2, "0.01": 3, "10.0": 4, "+Inf": 5}


def test_the_backlog_is_what_is_due_and_not_claimed(account, moved_clock):
    assert staging.backlog(moved_clock.now, 10) == (0, 0)
    now = moved_clock.now
    make_job(account, due_in_s=3600)
    claim_job(account, due_in_s=-3600)
    make_job(account, due_in_s=-60)
    make_job(account, due_in_s=-1, staged_at=now)
    assert staging.backlog(now, 10) == (2, clock.MINUTE)
    stage_all(ahead_us=0)
    assert staging.backlog(now, 10) == (2, clock.MINUTE)
    assert staging.backlog(now, 1)[0] == 1


def test_the_backlog_leaves_out_what_a_message_names_ahead_of_its_time(account, moved_clock):
    make_job(account, "scheduled", due_in_s=5)
    stage_all()
    assert staging.backlog(moved_clock.now, 10) == (0, 0)
    moved_clock.advance(seconds=5)
    assert staging.backlog(moved_clock.now, 10) == (1, 0)


def test_labels_are_few_and_never_name_an_account_a_host_or_a_url():
    labels = {label for family in metrics.REGISTRY.collect() for sample in family.samples for label in sample.labels}
    assert labels <= BOUNDED


def test_every_metric_is_named_for_the_product_and_has_a_meaning():
    for family in metrics.REGISTRY.collect():
        assert family.name.startswith("booper_")
        assert family.documentation.endswith(".") or family.name == "booper_build_info"


def gauge(name, **labels):
    return metrics.REGISTRY.get_sample_value(f"booper_{name}", labels)


def test_a_ticker_that_loses_the_lead_takes_its_backlog_back(moved_clock):
    metrics.set_leading(True)
    metrics.set_backlog(3, 90 * clock.SECOND)
    assert gauge("ticker_leading") == 1
    assert (gauge("backlog_jobs"), gauge("backlog_oldest_age_seconds")) == (3, 90)

    metrics.set_leading(False)
    assert gauge("ticker_leading") == 0
    assert (gauge("backlog_jobs"), gauge("backlog_oldest_age_seconds")) == (0, 0)


def test_a_ticker_that_loses_the_lead_counts_no_job_that_waits_at_a_gate(moved_clock):
    metrics.set_parked(dict.fromkeys(GATES, 2))
    metrics.set_parked_age(clock.SECOND)
    metrics.set_leading(False)
    assert [gauge("parked_jobs", gate=gate) for gate in GATES] == [0] * len(GATES)
    assert gauge("parked_oldest_age_seconds") == 0


def test_a_ticker_that_goes_on_leading_keeps_its_backlog():
    metrics.set_backlog(3, clock.SECOND)
    metrics.set_leading(True)
    assert (gauge("backlog_jobs"), gauge("backlog_oldest_age_seconds")) == (3, 1)
    metrics.set_leading(False)


@pytest.mark.parametrize(("jobs", "le"), [(0, "0.0"), (1, "1.0"), (2, "10.0"), (10_000, "10000.0"), (10_001, "+Inf")])
def test_the_size_of_the_backlog_is_counted_each_time_it_is_measured(grown, jobs, le):
    metrics.set_backlog(jobs, 0)
    sizes = [f"{size}.0" for size in metrics.BACKLOG_JOBS] + ["+Inf"]
    counted = [size for size in sizes if grown("booper_backlog_size_jobs_bucket", le=size)]
    assert counted == sizes[sizes.index(le) :]


def test_signs_of_life_are_instants_in_seconds(db, moved_clock):
    metrics.set_ticker_alive(moved_clock.now)
    metrics.set_staged(moved_clock.now + clock.SECOND)
    assert gauge("ticker_last_round_timestamp_seconds") == moved_clock.now / 1e6
    assert gauge("stager_last_round_timestamp_seconds") == moved_clock.now / 1e6 + 1


def test_an_attempt_before_its_time_is_not_late(account, grown):
    claim = claim_job(account)
    metrics.count_claimed([claim._replace(attempted_at=claim.scheduled_at - clock.SECOND)])
    assert grown("booper_lateness_seconds_sum") == 0
    assert grown("booper_lateness_seconds_count") == 1


@pytest.mark.parametrize(
    ("code", "named"),
    [
        (None, "none"),
        (99, "none"),
        (100, "1xx"),
        (199, "1xx"),
        (200, "2xx"),
        (599, "5xx"),
        (600, "none"),
        (999, "none"),
    ],
)
def test_a_status_is_one_of_five_classes_or_none(code, named):
    assert metrics.status_class(code) == named


@pytest.mark.parametrize("method", ["BREW", "get", "", "GET "])
def test_a_method_that_a_client_made_up_is_counted_as_other(method):
    assert metrics.known_method(method) == "other"
    assert metrics.known_method("GET") == "GET"


def test_messages_are_counted_by_whether_the_broker_took_them(grown):
    metrics.count_publish("deliver", taken=True)
    metrics.count_publish("deliver", taken=True)
    metrics.count_publish("deliver", taken=False)
    assert grown("booper_publishes_total", message="deliver") == 2
    assert grown("booper_publish_failures_total", message="deliver") == 1


def test_a_message_that_failed_is_counted_by_how(grown):
    metrics.count_message_failure("dead")
    assert grown("booper_message_failures_total", how="dead") == 1
    assert grown("booper_message_failures_total", how="raised") == 0


def test_a_request_is_counted_and_measured(grown):
    metrics.count_request("GET", "/api/jobs", 404, 0.3)
    assert grown("booper_http_requests_total", method="GET", route="/api/jobs", status="404") == 1
    assert grown("booper_http_request_duration_seconds_sum", method="GET", route="/api/jobs") == pytest.approx(0.3)


def test_connections_in_use_are_shown_and_again_when_they_change(db):
    metrics.set_connections("test")
    assert gauge("database_connections_in_use", process="test") == (db == "postgresql")
    database.close()
    metrics.set_connections("test")
    assert gauge("database_connections_in_use", process="test") == 0


def test_the_slots_are_looked_at_while_a_worker_runs_and_are_gone_after(db, monkeypatch):
    monkeypatch.setattr(metrics, "SAMPLE_EVERY_S", 0.01)
    looks = threading.Semaphore(0)
    sampling = metrics.Sampling(lambda: looks.release() or 7, 20)
    sampling.start()
    for _ in range(2):  # at the second look the first is shown
        assert looks.acquire(timeout=10)
    assert (gauge("sender_slots"), gauge("sender_slots_in_use")) == (20, 7)
    sampling.stop()
    sampling._thread.join(10)
    assert (gauge("sender_slots"), gauge("sender_slots_in_use")) == (0, 0)


def test_sampling_that_never_began_is_stopped_without_waiting():
    metrics.Sampling(lambda: 0, 1).stop()


def test_gauges_of_several_processes_are_added_up_and_of_instants_and_the_version_the_latest_is_shown():
    """How prometheus_client joins the files of processes; in another way the page would add instants."""
    gauges = {name: metric for name, metric in vars(metrics).items() if isinstance(metric, Gauge)}
    modes = {name: metric._multiprocess_mode for name, metric in gauges.items()}
    latest = dict.fromkeys(("TICKER_AT", "STAGER_AT", "BUILD"), "max")
    assert modes == dict.fromkeys(modes, "livesum") | latest


def test_no_sample_says_when_a_metric_was_made():
    """`booper_jobs_created` would be read as a number of jobs."""
    metrics.count_message_failure("dead")
    names = {sample.name for family in metrics.REGISTRY.collect() for sample in family.samples}
    assert [name for name in names if name.endswith("_created")] == []


def test_an_incident_of_booper_itself_is_shown_until_it_closes():
    for is_open, shown in ((["ticker", "disk"], (1, 1, 0)), (["disk"], (0, 1, 0)), ([], (0, 0, 0))):
        metrics.set_operator_incidents(is_open)
        names = ("ticker", "disk", "broker")
        assert tuple(metrics.OPERATOR_INCIDENTS.labels(name)._value.get() for name in names) == shown
