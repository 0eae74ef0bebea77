"""Each change of an incident is sent once: at once, after quiet hours, after a mute, or again and again."""

import pytest

from models.alerts import alert_store, incident_store, message_order
from models.alerts.alert_tables import Incident, Notification
from models.alerts.conditions import Quiet
from models.jobs import staging
from models.jobs.job_kinds import ALERT
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.times import format_instant
from tests.support.alerts import RECEIVER, fail_due, look, make_alert, messages, send, sent, succeed_due
from tests.support.schedule_rows import create_schedule

SLACK = "https://hooks.slack.example/services/T0/s3cret"
KEY = "k" * 32


@pytest.fixture
def schedule(account, moved_clock):
    return create_schedule(account, {"name": "backup", "host": "db.example"})


def fail(moved_clock):
    fail_due()
    look()
    send(moved_clock)


def recover(moved_clock):
    moved_clock.advance(hours=1)
    succeed_due()
    look()
    send(moved_clock)


def test_a_webhook_gets_the_incident_with_its_times(schedule, account, moved_clock):
    make_alert(account)
    opened_at = clock.now()
    fail(moved_clock)
    recover(moved_clock)

    opened, closed = messages()
    assert (opened["type"], closed["type"]) == ("incident.opened", "incident.closed")
    incident = opened["incident"]
    assert incident["id"] == closed["incident"]["id"] == Incident.get().uuid
    assert incident["opened_at"] == closed["incident"]["opened_at"] == format_instant(opened_at)
    assert (incident["subject"], incident["closed_at"]) == (f"schedule:{schedule.id}", None)
    assert closed["incident"]["closed_at"] is not None


def test_a_message_gathers_for_two_seconds_what_else_begins(schedule, account, moved_clock):
    make_alert(account)
    fail_due()
    look()
    moved_clock.advance(seconds=2)
    moved_clock.now -= 1
    send()
    assert messages() == []
    moved_clock.now += 1
    send()
    assert len(messages()) == 1


def test_the_end_is_sent_only_to_those_who_want_it(schedule, account, moved_clock):
    make_alert(account, on=("failed",))
    fail(moved_clock)
    recover(moved_clock)
    assert sent() == [("opened", "backup")]


def test_people_get_many_incidents_in_one_message_and_programs_each(account, moved_clock):
    make_alert(account, to=[("slack", SLACK), ("webhook", RECEIVER)])
    for number in range(12):
        create_schedule(account, {"name": f"job {number}"})
    fail(moved_clock)

    [slack] = [each["text"] for each in messages() if "text" in each]
    assert slack.startswith("nightly: 12 incidents opened\njob ")
    assert slack.endswith("\nand 2 more")
    assert len({each["incident"]["title"] for each in messages() if "incident" in each}) == 12
    assert Notification.select().count() == 24


def test_no_job_holds_a_secret(schedule, account, moved_clock):
    make_alert(account, to=[("slack", SLACK), ("pagerduty", KEY)])
    fail(moved_clock)
    jobs = list(Job.select().where(Job.kind == ALERT))
    assert len(jobs) == 2
    for job in jobs:
        assert "s3cret" not in job.args
        assert KEY not in job.args + bytes(job.body).decode()
    assert [row.address for row in Notification.select()] == ["https://hooks.slack.example/[redacted]", "[redacted]"]


def test_an_incident_whose_end_is_still_to_be_sent_is_kept(schedule, account, moved_clock):
    make_alert(account)
    fail(moved_clock)
    incident_store.close(account.id, Incident.get().uuid, clock.now())
    moved_clock.advance(days=31)

    assert incident_store.prune(clock.now() - clock.DAY, 10) == 0
    send()
    assert [each for each, _ in sent()] == ["opened", "closed"]
    assert incident_store.prune(clock.now() - clock.DAY, 10) == 1


def test_a_rule_that_repeats_sends_an_open_incident_again_until_somebody_acknowledges_it(
    schedule, account, moved_clock
):
    make_alert(account, on=("failed", "recovered"), repeat_us=clock.HOUR)
    fail(moved_clock)
    send(moved_clock, 3600)
    send(moved_clock, 1800)
    assert [each for each, _ in sent()] == ["opened", "repeated"]

    assert incident_store.acknowledge(account.id, Incident.get().uuid, clock.now()).acknowledged_at == clock.now()
    send(moved_clock, 7200)
    succeed_due()
    look()
    send(moved_clock)
    assert [each for each, _ in sent()] == ["opened", "repeated", "closed"]


def test_nothing_is_repeated_without_an_interval(schedule, account, moved_clock):
    make_alert(account)
    fail(moved_clock)
    send(moved_clock, 30 * 24 * 3600)
    assert [each for each, _ in sent()] == ["opened"]


def test_what_happens_in_quiet_hours_is_sent_after_them(schedule, account, moved_clock):
    make_alert(account, quiet=Quiet(9 * 60, 12 * 60, "Etc/UTC"))
    fail(moved_clock)
    recover(moved_clock)
    assert sent() == []
    send(moved_clock, 2 * 3600)
    assert [each for each, _ in sent()] == ["opened", "closed"]


def test_a_muted_rule_sends_what_is_still_open_afterwards(schedule, account, moved_clock):
    rule = make_alert(account)
    alert_store.change(account.id, rule.uuid, {"muted_until": clock.now() + clock.HOUR}, clock.now())
    fail(moved_clock)
    assert sent() == []
    send(moved_clock, 3600)
    assert [each for each, _ in sent()] == ["opened"]


def test_what_began_and_ended_while_it_was_muted_is_not_sent(schedule, account, moved_clock):
    rule = make_alert(account)
    alert_store.change(account.id, rule.uuid, {"muted_until": clock.now() + 2 * clock.HOUR}, clock.now())
    fail(moved_clock)
    recover(moved_clock)
    send(moved_clock, 3 * 3600)
    assert sent() == []


def test_the_end_of_what_was_sent_is_sent_after_the_mute(schedule, account, moved_clock):
    rule = make_alert(account)
    fail(moved_clock)
    alert_store.change(account.id, rule.uuid, {"muted_until": clock.now() + 2 * clock.HOUR}, clock.now())
    recover(moved_clock)
    assert [each for each, _ in sent()] == ["opened"]
    send(moved_clock, 2 * 3600)
    assert [each for each, _ in sent()] == ["opened", "closed"]
    send(moved_clock, 3600)
    assert len(sent()) == 2


def test_the_end_of_a_muted_incident_is_sent_once_it_is_muted_no_more(schedule, account, moved_clock):
    rule = make_alert(account)
    fail(moved_clock)
    uuid = Incident.get().uuid
    incident_store.mute(account.id, uuid, clock.now() + clock.DAY, clock.now())
    recover(moved_clock)
    assert [each for each, _ in sent()] == ["opened"]
    incident_store.mute(account.id, uuid, None, clock.now())
    send()
    assert [each for each, _ in sent()] == ["opened", "closed"]
    assert alert_store.change(account.id, rule.uuid, {"muted_until": None}, clock.now())
    send()
    assert len(sent()) == 2


def test_the_end_of_what_was_sent_is_sent_once_its_rule_is_muted_no_more(schedule, account, moved_clock):
    rule = make_alert(account)
    fail(moved_clock)
    alert_store.change(account.id, rule.uuid, {"muted_until": clock.now() + clock.DAY}, clock.now())
    recover(moved_clock)
    alert_store.change(account.id, rule.uuid, {"muted_until": None}, clock.now())
    send()
    assert [each for each, _ in sent()] == ["opened", "closed"]


def test_an_incident_that_is_muted_no_more_is_sent_at_once(schedule, account, moved_clock):
    make_alert(account)
    fail_due()
    look()
    uuid = Incident.get().uuid
    incident_store.mute(account.id, uuid, clock.now() + clock.DAY, clock.now())
    send(moved_clock)
    assert sent() == []
    incident_store.mute(account.id, uuid, None, clock.now())
    send()
    assert [each for each, _ in sent()] == ["opened"]


def test_a_closed_incident_opens_again_when_the_condition_begins_again(schedule, account, moved_clock):
    make_alert(account)
    fail(moved_clock)
    incident_store.close(account.id, Incident.get().uuid, clock.now())
    send(moved_clock)
    assert [each for each, _ in sent()] == ["opened", "closed"]
    moved_clock.advance(hours=1)
    fail(moved_clock)
    assert [each for each, _ in sent()] == ["opened", "closed", "opened"]


def test_a_rule_that_is_switched_off_closes_what_is_open_and_tells_nobody(schedule, account, moved_clock):
    rule = make_alert(account)
    fail(moved_clock)
    alert_store.change(account.id, rule.uuid, {"enabled": False}, clock.now())
    assert Incident.get().closed_at is not None
    alert_store.change(account.id, rule.uuid, {"enabled": True}, clock.now())
    send(moved_clock)
    assert [each for each, _ in sent()] == ["opened"]


def test_a_changed_condition_closes_what_is_open_and_a_changed_address_does_not(schedule, account, moved_clock):
    rule = make_alert(account)
    fail(moved_clock)
    alert_store.change(account.id, rule.uuid, {"name": "daily"}, clock.now())
    assert Incident.get().closed_at is None
    alert_store.change(account.id, rule.uuid, {"types": ("missed",)}, clock.now())
    send(moved_clock)
    assert Incident.get().closed_at is not None
    assert [each for each, _ in sent()] == ["opened"]


def alert_jobs():
    return list(Job.select().where(Job.kind == ALERT).order_by(Job.id))


def due_messages():
    """The ids of the messages that may go now."""
    message_order.release_next_messages(clock.now())
    return [job.id for job in staging.due(0, clock.now(), 10) if job.kind == ALERT]


def test_an_end_waits_for_its_beginning_that_is_tried_again(schedule, account, moved_clock):
    make_alert(account)
    fail(moved_clock)
    [opened] = alert_jobs()
    Job.update(state="retryable", attempt=1, scheduled_at=clock.now() + clock.DAY).where(Job.id == opened.id).execute()
    recover(moved_clock)
    [_, closed] = alert_jobs()

    assert due_messages() == []
    Job.update(state="completed").where(Job.id == opened.id).execute()
    assert due_messages() == [closed.id]


@pytest.mark.parametrize("state", ["completed", "discarded", "cancelled"])
def test_an_end_does_not_wait_for_a_beginning_that_has_ended(schedule, account, moved_clock, state):
    make_alert(account)
    fail(moved_clock)
    Job.update(state=state).where(Job.kind == ALERT).execute()
    recover(moved_clock)
    assert alert_jobs()[1].after_uuid is None


def test_an_end_does_not_wait_for_the_message_to_another_target(schedule, account, moved_clock):
    make_alert(account, to=[("webhook", RECEIVER), ("slack", SLACK)])
    fail(moved_clock)
    to_webhook, to_slack = alert_jobs()
    Job.update(state="completed").where(Job.id == to_slack.id).execute()
    recover(moved_clock)
    assert [job.after_uuid for job in alert_jobs()[2:]] == [to_webhook.uuid, None]


def test_an_end_of_one_incident_does_not_wait_for_the_message_of_another(schedule, account, moved_clock):
    create_schedule(account, {"name": "report", "host": "db.example"})
    make_alert(account)
    fail(moved_clock)
    of_backup, of_report = alert_jobs()
    Job.update(state="completed").where(Job.id == of_report.id).execute()
    recover(moved_clock)
    assert [job.after_uuid for job in alert_jobs()[2:]] == [of_backup.uuid, None]
