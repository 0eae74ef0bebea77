"""Conditions that no event marks begin and end when somebody looks."""

import pytest

from models.accounts import account_store
from models.alerts import polling
from models.alerts.alert_tables import Incident
from models.alerts.conditions import ACCOUNT, FLOW, HOST, LABEL, SCHEDULE, SCOPES
from models.database.connection import dialect
from models.flows.gate_tables import Gate
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_tables import Schedule
from tests.support.alerts import fail_due, incidents, look, make_alert, succeed_due
from tests.support.flows import flow, let_through, order
from tests.support.results import answered, result_of
from tests.support.schedule_rows import create_schedule, run_ticker
from workers.delivery.recorder import record


@pytest.fixture
def schedule(account, moved_clock):
    return create_schedule(account, {"name": "backup", "host": "db.example", "labels": ("night", "50%_off!")})


def poll():
    polling.poll(clock.now())
    polling.poll_silence(clock.now())
    return incidents()


def test_a_schedule_is_silent_until_one_of_its_jobs_completes(schedule, account, moved_clock):
    make_alert(account, on=("silent",), silent_after_us=2 * clock.HOUR)
    succeed_due()
    moved_clock.advance(minutes=119)
    assert poll() == []
    moved_clock.advance(minutes=1)
    assert poll() == [("silent", "backup", True)]
    fail_due()
    look()
    assert poll() == [("silent", "backup", True)]
    moved_clock.advance(hours=1)
    succeed_due()
    look()
    assert poll() == [("silent", "backup", False)]


def test_a_silent_schedule_without_a_name_is_called_by_its_key(account, moved_clock):
    create_schedule(account, {"host": "db.example"}, key="nightly")
    make_alert(account, on=("silent",), silent_after_us=clock.HOUR)

    moved_clock.advance(hours=2)

    assert poll() == [("silent", "nightly", True)]


def test_a_disabled_schedule_is_not_silent(schedule, account, moved_clock):
    make_alert(account, on=("silent",), silent_after_us=clock.HOUR)
    moved_clock.advance(hours=1)
    assert poll() == [("silent", "backup", True)]
    schedule_changes.disable(account.id, schedule.id, clock.now())
    assert poll() == [("silent", "backup", False)]
    moved_clock.advance(hours=9)
    assert poll() == [("silent", "backup", False)]


def test_a_finished_schedule_is_not_silent_any_more(schedule, account, moved_clock):
    make_alert(account, on=("silent",), silent_after_us=clock.HOUR)
    moved_clock.advance(hours=2)
    assert poll() == [("silent", "backup", True)]
    Schedule.update(next_at=None).execute()
    assert poll() == [("silent", "backup", False)]


def test_the_incidents_of_a_deleted_schedule_close(schedule, account, moved_clock):
    make_alert(account)
    fail_due()
    look()
    assert poll() == [("failed", "backup", True)]
    schedule_changes.delete(account.id, schedule.id, clock.now())
    assert poll() == [("failed", "backup", False)]


@pytest.mark.parametrize("scope", [(LABEL, "50%_off!"), (LABEL, "night"), (HOST, "db.example"), (SCHEDULE, None)])
def test_silence_is_looked_for_in_the_scope(schedule, account, moved_clock, scope):
    kind, key = scope
    create_schedule(account, {"name": "other", "host": "db", "labels": ("nigh", "50x1off!")})
    make_alert(account, on=("silent",), scope=(kind, key or schedule.id), silent_after_us=clock.HOUR)
    moved_clock.advance(hours=1)
    assert poll() == [("silent", "backup", True)]


@pytest.mark.parametrize("scope", [(LABEL, "night"), (HOST, "db.example")])
def test_silence_in_a_scope_is_found_however_many_schedules_contain_its_name_elsewhere(
    account, moved_clock, monkeypatch, scope
):
    monkeypatch.setattr(polling, "AT_ONCE", 1)
    other = {"host": "night", "labels": ("db.example", 'x"night"')}
    for fields in (other, {"host": "db.example", "labels": ("night",)}, other):
        create_schedule(account, {"name": fields["host"], **fields})
    make_alert(account, on=("silent",), scope=scope, silent_after_us=clock.HOUR)
    moved_clock.advance(hours=1)
    assert poll() == [("silent", "db.example", True)]


def test_silence_in_a_flow_is_found_however_many_flows_have_ids_that_begin_like_its_own(
    account, moved_clock, monkeypatch
):
    monkeypatch.setattr(polling, "AT_ONCE", 1)
    order(account, flow(key="shop"))
    shop = Gate.get()
    Gate.insert(Gate.select().where(Gate.id == shop.id).dicts().get() | {"id": shop.id * 10, "key": "other"}).execute()
    for key in ("other", "shop", "other"):
        create_schedule(account, {"name": f"of the {key}", "gates": (flow(key=key),)})
    make_alert(account, on=("silent",), scope=(FLOW, "shop"), silent_after_us=clock.HOUR)
    moved_clock.advance(hours=1)
    assert poll() == [("silent", "of the shop", True)]


def test_a_request_that_is_under_way_for_long_opens_an_incident_until_it_ends(schedule, account, moved_clock):
    make_alert(account, on=("long",), long_after_us=10 * clock.MINUTE)
    [job] = run_ticker()
    moved_clock.advance(minutes=9)
    assert poll() == []
    moved_clock.advance(minutes=1)
    assert poll() == [("long", "backup", True)]
    assert poll() == [("long", "backup", True)]
    record([result_of(job, answered())])
    assert poll() == [("long", "backup", False)]


WAITING_IN_FLOW = {  # by the scope of a rule: whether it sees that the flow `shop` holds a job back
    (ACCOUNT, ""): True,
    (FLOW, "shop"): True,
    (FLOW, "other"): False,
    (HOST, "shop"): False,
    (SCHEDULE, "shop"): False,
    (LABEL, "shop"): False,
}


def test_gates_are_tried_with_each_kind_of_scope():
    assert {kind for kind, _ in WAITING_IN_FLOW} == set(SCOPES)


@pytest.mark.parametrize(("scope", "seen"), WAITING_IN_FLOW.items())
def test_a_flow_that_holds_back_a_job_for_long_opens_an_incident(account, moved_clock, scope, seen):
    first, second = order(account, flow(key="shop", concurrency=1), count=2)
    let_through([first, second])
    make_alert(account, on=("waiting",), scope=scope, waiting_after_us=10 * clock.MINUTE)
    moved_clock.advance(minutes=9)
    assert poll() == []
    moved_clock.advance(minutes=1)
    assert poll() == ([("waiting", "flow shop", True)] if seen else [])
    Job.update(parked_by=None).execute()
    assert poll() == ([("waiting", "flow shop", False)] if seen else [])


def test_another_account_s_schedules_and_gates_are_not_looked_at(schedule, account, moved_clock):
    bob = account_store.account_named("bob", clock.now())
    make_alert(bob, on=("silent", "long", "waiting"), silent_after_us=clock.HOUR, long_after_us=clock.HOUR)
    run_ticker()
    moved_clock.advance(hours=2)
    assert poll() == []


def test_an_incident_says_when_its_condition_began(schedule, account, moved_clock):
    make_alert(account, on=("silent",), silent_after_us=clock.HOUR)
    began_at = clock.now() + clock.HOUR
    moved_clock.advance(hours=3)
    poll()
    poll()
    assert Incident.get().opened_at == began_at


def test_long_requests_are_looked_for_among_the_jobs_under_way_alone(schedule, account, monkeypatch):
    if dialect() != "sqlite":
        pytest.skip("PostgreSQL chooses by its statistics")
    make_alert(account, on=("long",))
    plans, real = [], polling.fetch

    def fetch(sql, params=()):
        if "CROSS JOIN" in sql:
            plans.append([row[3] for row in real(f"EXPLAIN QUERY PLAN {sql}", params)])
        return real(sql, params)

    monkeypatch.setattr(polling, "fetch", fetch)
    polling.poll(clock.now())
    [plan] = plans
    assert plan[0].split()[:2] in (["SCAN", "job"], ["SEARCH", "job"])
    assert "USING INDEX job_lease" in plan[0] or "USING INDEX job_under_way" in plan[0]
