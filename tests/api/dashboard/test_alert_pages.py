"""The pages of alerts: rules are added, tested and removed; incidents show whom they are about and what was sent."""

import re

import pytest

from models.alerts import alert_store
from models.alerts.alert_tables import Incident
from models.alerts.trial_messages import AN_HOUR
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules.schedule_tables import Schedule
from tests.support.alerts import fail_due, look, make_alert, send
from tests.support.browsers import Markup
from tests.support.schedule_rows import create_schedule

SVG = "<svg/onload=alert(1)>"
FORM = {
    "name": "nightly",
    "on": ["failed", "recovered"],
    "after": "2",
    "scope": "label",
    "scope_key": "night",
    "way": "slack",
    "address": "https://hooks.slack.example/services/s3cret",
}


def rules_of(browser):
    return alert_store.listed(browser.account.id)


@pytest.fixture
def incident(alice, moved_clock):
    make_alert(alice.account)
    create_schedule(alice.account, {"name": f"backup {SVG}", "host": "db.example"})
    fail_due()
    look()
    send(moved_clock)
    return Incident.get()


def test_a_rule_is_added_tested_disabled_and_removed(alice, bob):
    assert alice.send("/alerts", **FORM).location == "/alerts?note=saved"
    [rule] = rules_of(alice)
    assert (rule.name, rule.types, rule.scope) == ("nightly", ("failed", "recovered"), ("label", "night"))
    text = alice.get("/alerts").text
    assert "after 2 failures" in text
    assert "label night" in text
    assert "s3cret" not in text
    assert "nightly" not in bob.get("/alerts").text

    path = f"/alerts/{rule.uuid}"
    assert bob.send(f"{path}/test").status_code == 404
    assert alice.send(f"{path}/test").location == "/alerts?note=tested"
    assert Job.select().where(Job.kind == "alert").count() == 1
    alice.send(f"{path}/disable")
    assert not rules_of(alice)[0].enabled
    alice.send(f"{path}/enable")
    assert rules_of(alice)[0].enabled
    assert alice.send(f"{path}/remove").location == "/alerts?note=deleted"
    assert rules_of(alice) == []


def test_a_rule_calls_its_schedule_by_name_and_leads_to_it(alice):
    """It showed a UUID, also where its owner had typed a key."""
    schedule = create_schedule(alice.account, {"name": f"backup {SVG}"})
    alice.send("/alerts", **FORM | {"scope": "schedule", "scope_key": schedule.id})
    watched = re.compile(r'watches schedule <a href="/schedules/([^"]*)"><bdi>([^<]*)</bdi></a>')

    assert watched.findall(alice.get("/alerts").text) == [(schedule.id, "backup &lt;svg/onload=alert(1)&gt;")]

    Schedule.delete().execute()
    text = alice.get("/alerts").text
    assert ("watches a deleted schedule" in text, watched.findall(text)) == (True, [])


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"name": ""}, "name"),
        ({"on": ["recovered"]}, "on"),
        ({"on": []}, "on"),
        ({"after": "often"}, "after"),
        ({"after": "9" * 20}, "after"),
        ({"scope": "schedule", "scope_key": "missing"}, "scope_key"),
        ({"scope": "planet"}, "scope_key"),
        ({"way": "pigeon"}, "address"),
        ({"way": "email", "address": "ops@example.com"}, "address"),
        ({"address": "ftp://x"}, "address"),
        ({"share": "1.5"}, "share"),
        ({"share": "nan"}, "share"),
        ({"share": "many"}, "share"),
        ({"at_least": "0"}, "at_least"),
        ({"late_after": "soon"}, "late_after"),
        ({"within": "25h"}, "within"),
        ({"repeat_every": "1s"}, "repeat_every"),
        ({"way3": "webhook", "address3": "ftp://x"}, "address3"),
    ],
)
def test_what_can_not_be_taken_is_said_at_its_field_and_stays_as_typed(alice, fields, problem):
    answer = alice.send("/alerts", **FORM | fields)
    assert answer.status_code == 422
    tags = Markup(answer.text).tags
    assert {each["aria-describedby"] for _, each in tags if "aria-invalid" in each} == {f"{problem}-problem"}
    (name,) = [each["value"] for tag, each in tags if tag == "input" and each.get("name") == "name"]
    assert name == (FORM | fields)["name"]
    typed = {each["name"]: each["value"] for tag, each in tags if each.get("name", "").startswith("address")}
    assert {name: text for name, text in typed.items() if text} == {
        name: text for name, text in (FORM | fields).items() if name.startswith("address")
    }
    assert rules_of(alice) == []


def test_a_rule_takes_thresholds_and_several_targets(alice):
    spans = {"late_after": "10m", "silent_after": "2d", "within": "30m", "repeat_every": "1h"}
    more = {"way3": "webhook", "address3": "https://ops.example/hook", "address2": "", "share": "0.2", "at_least": "7"}
    assert alice.send("/alerts", **FORM | spans | more).location == "/alerts?note=saved"
    [rule] = rules_of(alice)
    options = rule.options
    assert (options.late_after_us, options.silent_after_us) == (10 * clock.MINUTE, 2 * clock.DAY)
    assert (options.within_us, options.repeat_us) == (30 * clock.MINUTE, clock.HOUR)
    assert (options.share, options.at_least, options.long_after_us) == (0.2, 7, 10 * clock.MINUTE)
    assert [target.way for target in rule.targets] == ["slack", "webhook"]
    assert "when 20 % fail" in alice.get("/alerts").text


def test_each_target_has_a_test_of_its_own(alice):
    alice.send("/alerts", **FORM, way2="webhook", address2="https://ops.example/hook")
    path = f"/alerts/{rules_of(alice)[0].uuid}/test"
    assert alice.send(path, target="1").location == "/alerts?note=tested"
    assert [job.host for job in Job.select().where(Job.kind == "alert")] == ["ops.example"]
    alice.send(path)
    assert Job.select().where(Job.kind == "alert").count() == 3


def test_too_many_tests_are_refused_in_words(alice, moved_clock):
    alice.send("/alerts", **FORM)
    path = f"/alerts/{rules_of(alice)[0].uuid}/test"
    for _ in range(AN_HOUR):
        assert alice.send(path).status_code == 303
    refused = alice.send(path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3601")
    assert f"An account may send {AN_HOUR} test messages an hour" in refused.text


def test_an_incident_shows_whom_it_is_about_and_what_was_sent(alice, bob, incident):
    listed = alice.get("/alerts").text
    assert f'href="/incidents/{incident.uuid}"' in listed
    text = alice.get(f"/incidents/{incident.uuid}").text
    assert SVG not in listed + text
    assert "backup &lt;svg" in text
    assert f'href="/schedules/{incident.subject.removeprefix("schedule:")}">backup &lt;svg' in text
    assert "https://hooks.example/alerts" in text
    assert bob.get(f"/incidents/{incident.uuid}").status_code == 404
    assert alice.get("/incidents/x").status_code == 404


def test_an_incident_is_acknowledged_muted_and_closed(alice, bob, incident):
    path = f"/incidents/{incident.uuid}"
    for action in ("acknowledge", "mute", "close"):
        assert bob.send(f"{path}/{action}").status_code == 404
    alice.send(f"{path}/acknowledge")
    alice.send(f"{path}/mute")
    row = Incident.get()
    assert None not in (row.acknowledged_at, row.muted_until)
    alice.send(f"{path}/mute")
    assert Incident.get().muted_until is None
    assert alice.send(f"{path}/close").location == f"{path}?note=saved"
    assert Incident.get().closed_at is not None
    assert "has recovered" in alice.get(path).text


def test_an_incident_is_muted_for_a_day(alice, moved_clock, incident):
    alice.send(f"/incidents/{incident.uuid}/mute")
    assert Incident.get().muted_until == clock.now() + clock.DAY


def test_once_a_mute_has_ended_the_button_mutes_again(alice, moved_clock, incident):
    path = f"/incidents/{incident.uuid}"
    alice.send(f"{path}/mute")
    muted = alice.get(path).text
    assert ("Unmute" in muted, "Muted until" in muted) == (True, True)

    moved_clock.advance(hours=25)
    over = alice.get(path).text

    assert ("Unmute" in over, "Muted until" in over, "Mute for a day" in over) == (False, False, True)


def test_the_pages_can_be_read_without_styles(alice, incident):
    """A browser for text sets what no space parts as one word."""
    make_alert(alice.account, to=[("webhook", "https://a.example/hook"), ("ntfy", "https://b.example/topic")])
    alerts = without_markup(alice.get("/alerts").text)
    menu = ["Search /", "Failures 1", "Light Dark System", "Endpoints Channels Alerts"]
    form = ["failed missed late", "Within Late after Long after"]
    for words in (*menu, *form, "https://a.example/hook Test", "Test all Disable Remove", "New job n"):
        assert words in alerts
    assert "Webhook URL Set" in without_markup(alice.get("/channels").text)


def without_markup(html):
    return " ".join(re.sub("<[^>]*>", "", html).split())


def test_open_incidents_stand_before_closed_ones(alice, moved_clock, incident):
    moved_clock.advance(hours=1)
    create_schedule(alice.account, {"name": "later", "host": "other.example"})
    fail_due()
    look()
    later = Incident.get(Incident.title == "later")
    alice.send(f"/incidents/{later.uuid}/close")

    text = alice.get("/alerts").text

    assert 0 < text.index(f"/incidents/{incident.uuid}") < text.index(f"/incidents/{later.uuid}")
