"""Incidents open when a condition begins and close when it ends, once each."""

import pytest

from models.accounts import account_store
from models.alerts import alert_store, evaluation, incident_rows, incident_store
from models.alerts.alert_tables import Incident
from models.alerts.conditions import HOST, LABEL, SCHEDULE
from models.database.sql import fetch
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_tables import HealthEvent
from tests.support.alerts import (
    REFUSED,
    end_due,
    fail_due,
    incidents,
    look,
    make_alert,
    send,
    sent,
    succeed_due,
)
from tests.support.results import answered
from tests.support.schedule_rows import create_schedule, run_ticker
from workers.ticker import planner


@pytest.fixture
def schedule(account, moved_clock):
    return create_schedule(account, {"name": "backup", "host": "db.example"})


def hour_after(moved_clock, end):
    """Let the jobs of the next hour end."""
    moved_clock.advance(hours=1)
    end()
    look()


def test_a_failure_opens_an_incident_and_a_success_closes_it(schedule, account, moved_clock):
    make_alert(account)

    fail_due()
    look()
    assert incidents() == [("failed", "backup", True)]
    send(moved_clock)
    hour_after(moved_clock, fail_due)
    send(moved_clock)
    assert sent() == [("opened", "backup")]
    hour_after(moved_clock, succeed_due)
    send(moved_clock)

    assert incidents() == [("failed", "backup", False)]
    assert sent() == [("opened", "backup"), ("closed", "backup")]
    hour_after(moved_clock, succeed_due)
    assert len(incidents()) == 1


@pytest.mark.parametrize(
    ("job", "key", "title"),
    [
        ({"name": "backup"}, "nightly", "backup"),
        ({"host": "db.example"}, "nightly", "nightly"),
        ({"host": "db.example"}, None, "GET db.example"),
    ],
)
def test_an_incident_calls_a_schedule_by_its_name_or_its_key(account, moved_clock, job, key, title):
    """One without a name was its method and host, which all schedules of that host have in common."""
    create_schedule(account, job, key=key)
    make_alert(account)

    fail_due()
    look()

    assert incidents() == [("failed", title, True)]


def test_a_success_alone_opens_nothing_and_leaves_nothing_to_evaluate(schedule, account):
    make_alert(account)
    succeed_due()
    assert HealthEvent.select().count() == 0
    look()
    assert incidents() == []


def test_an_account_without_rules_leaves_nothing_to_evaluate(schedule, account):
    make_alert(account_store.account_named("another", clock.now()))
    fail_due()
    assert HealthEvent.select().count() == 0


def test_a_rule_waits_for_as_many_failures_in_a_row_as_it_says(schedule, account, moved_clock):
    make_alert(account, after=3)
    fail_due()
    look()
    hour_after(moved_clock, fail_due)
    assert incidents() == []
    hour_after(moved_clock, fail_due)
    assert incidents() == [("failed", "backup", True)]


def test_a_success_in_between_begins_the_count_anew(schedule, account, moved_clock):
    make_alert(account, after=2)
    fail_due()
    hour_after(moved_clock, succeed_due)
    hour_after(moved_clock, fail_due)
    assert incidents() == []


def test_what_happened_between_two_looks_is_seen_in_its_order(schedule, account, moved_clock):
    make_alert(account)
    fail_due()
    moved_clock.advance(hours=1)
    succeed_due()
    moved_clock.advance(hours=1)
    fail_due()
    look()
    assert incidents() == [("failed", "backup", False), ("failed", "backup", True)]


def test_an_attempt_that_is_tried_again_is_no_failure(schedule, account):
    make_alert(account)
    claimed = run_ticker()
    assert claimed
    look()
    assert incidents() == []


def test_many_schedules_of_a_host_that_is_down_are_one_incident_and_one_message(account, moved_clock):
    make_alert(account)
    for number in range(20):
        create_schedule(account, {"name": f"job {number}", "host": "down.example"})

    end_due(lambda _: REFUSED)
    look()
    send(moved_clock)

    assert incidents() == [("failed", "down.example", True)]
    assert Incident.get().subjects == 20
    assert sent() == [("opened", "down.example")]


def test_the_incident_of_a_host_closes_with_its_last_schedule(account, moved_clock):
    make_alert(account)
    first = create_schedule(account, {"host": "down.example"})
    create_schedule(account, {"host": "down.example"})
    end_due(lambda _: REFUSED)
    look()

    hour_after(moved_clock, lambda: end_due(lambda job: answered() if job.schedule_id == first.id else REFUSED))
    assert incidents() == [("failed", "down.example", True)]
    hour_after(moved_clock, succeed_due)
    assert incidents() == [("failed", "down.example", False)]


def test_schedules_that_a_host_answers_have_incidents_of_their_own(account, moved_clock):
    make_alert(account)
    for name in ("a", "b"):
        create_schedule(account, {"name": name, "host": "up.example"})
    fail_due(404)
    look()
    assert sorted(incidents()) == [("failed", "a", True), ("failed", "b", True)]


def test_an_instant_without_a_run_opens_an_incident_until_the_next_run(schedule, account, moved_clock):
    make_alert(account)
    succeed_due()
    moved_clock.advance(hours=5)
    planner.expire(clock.now())
    planner.plan_due(clock.now())
    look()
    assert incidents() == [("missed", "backup", True)]
    succeed_due()
    look()
    assert incidents() == [("missed", "backup", False)]


def test_a_run_that_begins_late_opens_an_incident_until_one_is_on_time(schedule, account, moved_clock):
    make_alert(account, on=("late",), late_after_us=10 * clock.MINUTE)
    moved_clock.advance(minutes=11)
    succeed_due()
    look()
    assert incidents() == [("late", "backup", True)]
    moved_clock.advance(minutes=49)
    succeed_due()
    look()
    assert incidents() == [("late", "backup", False)]


def test_a_run_less_late_than_the_rule_says_opens_none(schedule, account, moved_clock):
    make_alert(account, on=("late",), late_after_us=10 * clock.MINUTE)
    moved_clock.advance(minutes=9)
    succeed_due()
    look()
    assert incidents() == []


def test_a_schedule_that_disables_itself_opens_an_incident_however_many_the_rule_waits_for(account, moved_clock):
    make_alert(account, after=5)
    create_schedule(account, {"name": "backup"}, disable_after=1)
    fail_due()
    look()
    assert incidents() == [("failed", "backup", True)]


@pytest.mark.parametrize("other", [(SCHEDULE, "another"), (LABEL, "other"), (HOST, "other.example")])
def test_a_scope_leaves_out_what_it_does_not_name(account, moved_clock, other):
    schedule = create_schedule(account, {"name": "backup", "host": "db.example", "labels": ("night",)})
    kind, key = other
    own = {SCHEDULE: schedule.id, LABEL: "night", HOST: "db.example"}[kind]
    make_alert(account, scope=(kind, key))
    make_alert(account, scope=(kind, own))
    fail_due()
    look()
    assert incidents() == [("failed", "backup", True)]


def test_a_rule_of_another_account_sees_nothing(schedule, account, moved_clock):
    make_alert(account, on=("missed",))
    bob = type(account).create(name="bob", created_at=0)
    make_alert(bob)
    fail_due()
    look()
    assert incidents() == []


def test_an_incident_that_opens_often_flaps_and_closes_after_a_calm_time(account, moved_clock):
    make_alert(account)
    schedule = create_schedule(account, {"name": "backup"})

    def end(end_jobs):
        schedule_changes.fire_now(account.id, schedule.id, clock.now())
        end_jobs()
        look()
        moved_clock.advance(minutes=1)

    succeed_due()
    for _ in range(3):
        end(fail_due)
        end(succeed_due)
    assert [row.is_flapping for row in Incident.select()] == [0, 0, 0]
    end(fail_due)
    end(succeed_due)
    assert incidents()[3:] == [("failed", "backup", True)]
    end(fail_due)
    end(succeed_due)
    moved_clock.advance(minutes=9)
    look()

    assert incidents()[3:] == [("failed", "backup", False)]
    assert len(incidents()) == 4


def test_of_conditions_that_began_at_different_times_each_flaps_by_the_hour_before_it(account, moved_clock):
    """They are counted by one statement."""
    make_alert(account)
    [rule] = evaluation.all_rules()
    begin = incident_rows.Begin(rule, "failed", "a", "a", "a", "", clock.now())
    for number in range(incident_rows.FLAPS):
        for subject in ("a", "b"):
            each = begin._replace(subject=subject, about=subject, at=clock.now() + number)
            incident_rows.begin([each], clock.now())
            incident_rows.end([(each.key, clock.now())], clock.now())
    moved_clock.advance(hours=1)
    again = [begin._replace(at=clock.now() - clock.MINUTE)]
    again.append(begin._replace(subject="b", about="b", at=clock.now() + clock.MINUTE))

    assert incident_rows._flapping(again) == {again[0].incident_key}


@pytest.mark.parametrize("closed_by", ["its calm time", "its owner", "a change of its rule"])
def test_only_a_flapping_incident_that_is_calm_has_a_time_at_which_it_closes(account, moved_clock, closed_by):
    rule, schedule = make_alert(account), create_schedule(account, {"name": "backup"})

    def end(end_jobs):
        schedule_changes.fire_now(account.id, schedule.id, clock.now())
        end_jobs()
        look()
        moved_clock.advance(minutes=1)

    def closes_at():
        return [row.closes_at for row in Incident.select().order_by(Incident.id)][-1]

    succeed_due()
    for _ in range(3):
        end(fail_due)
        end(succeed_due)
        assert closes_at() is None
    end(fail_due)
    assert closes_at() is None
    end(succeed_due)
    assert closes_at() == clock.now() - clock.MINUTE + incident_rows.CALM_US
    end(fail_due)
    assert closes_at() is None
    end(succeed_due)

    if closed_by == "its owner":
        incident_store.close(account.id, Incident.select().order_by(Incident.id.desc()).get().uuid, clock.now())
    elif closed_by == "a change of its rule":
        alert_store.change(account.id, rule.uuid, {"enabled": False}, clock.now())
    else:
        moved_clock.advance(minutes=10)
        look()
    assert (closes_at(), incidents()[-1]) == (None, ("failed", "backup", False))


def test_a_deleted_rule_closes_its_incidents_and_nobody_is_notified(schedule, account, moved_clock):
    rule = make_alert(account)
    fail_due()
    look()
    assert alert_store.delete(account.id, rule.uuid, clock.now())
    send(moved_clock)
    assert incidents() == [("failed", "backup", False)]
    assert sent() == []


def test_what_another_session_evaluates_is_left_to_it(schedule, account, db, monkeypatch):
    make_alert(account)
    fail_due()
    monkeypatch.setattr(evaluation, "is_alone", lambda: False)
    assert evaluation.evaluate(clock.now()) == 0
    assert fetch("SELECT count(*) FROM incident") == [(0,)]
    assert HealthEvent.select().count() == 1


def test_a_failed_evaluation_loses_nothing_and_repeats_nothing(schedule, account, monkeypatch):
    make_alert(account)
    fail_due()
    monkeypatch.setattr(evaluation.incident_rows, "end", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        look()
    assert incidents() == []
    monkeypatch.undo()
    look()
    look()
    assert len(incidents()) == 1
