"""Both clients against a live server: calendars, backfills, alert rules and incidents."""

from datetime import UTC, datetime, timedelta

import pytest

from booper_client import ConflictError, NotFoundError
from tests.support.waiting import wait_until

URL = "https://example.com/hook"
NOBODY = "http://127.0.0.1:9/"


def test_a_calendar_is_made_changed_and_deleted_once_no_schedule_names_it(client):
    made = client.calendars.put("holidays", ["2030-12-24", {"from": "2031-01-01", "to": "2031-01-03"}])
    client.schedules.put("k", url=URL, cron="@daily", exclude={"calendars": ["holidays"]})

    assert made.days == ["2030-12-24", {"from": "2031-01-01", "to": "2031-01-03"}]
    assert [(each.name, each.size, each.schedules) for each in client.calendars.list()] == [("holidays", 2, 1)]
    with pytest.raises(ConflictError):
        client.calendars.delete("holidays")
    client.schedules.delete("k")
    assert client.calendars.put("holidays", []).days == []
    client.calendars.delete(client.calendars.get("holidays"))
    assert client.calendars.list() == []


def test_past_instants_are_made_up_for(client):
    schedule = client.schedules.put("k", url=NOBODY, cron="0 0 * * *", max_attempts=1)
    last = datetime.now(UTC) - timedelta(days=1)

    made = client.backfills.create(schedule, last - timedelta(days=3), last)

    assert (made.instants, made.schedule_id) == (3, schedule.id)
    assert [each.id for each in client.backfills.list("k")] == [made.id]
    stopped = client.backfills.cancel(made)
    assert client.backfills.get(made.id).state == stopped.state != "running"


def test_a_rule_opens_an_incident_that_is_acknowledged_muted_and_closed(client, receiver):
    rule = client.alerts.create("failing", [{"webhook": f"{receiver.url}/alerts"}], on=["failed"], scope={"label": "x"})
    client.schedules.put("k", url=NOBODY, cron="@yearly", max_attempts=1, labels=["x"])
    client.schedules.run("k")
    [incident] = wait_until(lambda: list(client.incidents.list(state="open")), what="an incident")

    until = datetime.now(UTC) + timedelta(days=30)
    acknowledged = client.incidents.acknowledge(incident)
    muted = client.incidents.mute(incident, until=until)
    closed = client.incidents.close(incident.id)

    assert (incident.alert, incident.type, incident.is_open) == (rule.name, "failed", True)
    assert acknowledged.acknowledged_at
    assert muted.muted_until == until
    assert not closed.is_open
    assert client.incidents.get(closed).affected
    assert list(client.incidents.list(state="open")) == []


def test_a_rule_is_changed_tested_and_deleted(client, receiver):
    rule = client.alerts.create("a", [{"webhook": f"{receiver.url}/alerts"}])

    changed = client.alerts.change(rule, name="b", enabled=False, silent_after=timedelta(hours=2))
    [sent] = client.alerts.test(rule)

    assert (changed.name, changed.enabled, changed.raw["silent_after"]) == ("b", False, 7200)
    assert client.jobs.wait(sent.job_id, every_seconds=0.02).state == "completed"
    assert [each.id for each in client.alerts.list()] == [rule.id]
    client.alerts.delete(rule)
    with pytest.raises(NotFoundError):
        client.alerts.get(rule)


def test_a_status_page_is_made_moved_and_taken_away(client):
    assert client.status_page.get().url is None

    first, second = client.status_page.renew(), client.status_page.renew()

    assert len({first.url, second.url, None}) == 3
    assert client.status_page.get() == second
    client.status_page.revoke()
    assert client.status_page.get().url is None
    with pytest.raises(NotFoundError):
        client.status_page.revoke()


def test_a_badge_says_how_a_schedule_is_doing_and_where_others_see_it(client):
    schedule = client.schedules.put("k", url=NOBODY, cron="@yearly")

    badge = client.schedules.badge(schedule)

    assert badge == client.schedules.badge("k")
    assert badge.state == "enabled"
    assert (badge.svg.endswith(".svg"), badge.json.endswith(".json")) == (True, True)


def test_whether_an_account_is_paused_is_asked(client):
    assert client.get_pause().paused is None

    client.pause(reason="maintenance")

    assert client.get_pause().paused.reason == "maintenance"
    client.resume()
    assert client.get_pause().paused is None
