"""POST /api/declarations/check: what would become of the declarations of a file, and that nothing is done."""

import json

import pytest

from models.accounts.account_tables import TargetGroup
from models.alerts.alert_tables import Alert
from models.schedules.schedule_tables import Calendar
from models.webhooks.webhook_tables import Channel, Endpoint
from tests.support.api_client import errors_of, one_database

HOOK = "https://ops.example.com/hook"
SLACK = "https://hooks.slack.com/services/T0/B0/s3cret"
GROUP = {"targets": [{"name": "eu", "url": HOOK, "headers": {"A": "b"}}, {"name": "us", "url": HOOK}]}
DAYS = {"days": ["2026-12-08", {"from": "2026-12-24", "to": "2027-01-06"}]}
ALERT = {"on": ["failed", "recovered"], "after": 2, "to": [{"webhook": HOOK}, {"slack": SLACK}]}


@pytest.fixture
def filled(client):
    """An account that has one of each kind."""
    answers = [
        client.ask("PUT", "/api/groups/regions", json=GROUP),
        client.ask("PUT", "/api/calendars/holidays", json=DAYS),
        client.ask("PUT", "/api/flows/shop-42", json={"rate": 10, "per": "1m", "concurrency": 3}),
        client.post("/api/endpoints", json={"url": HOOK, "types": ["job.finished", "job.cancelled"]}),
        client.ask("PUT", "/api/channels/slack", json={"url": SLACK}),
        client.post("/api/alerts", json={"name": "nightly", **ALERT}),
    ]
    assert all(answer.status_code in (200, 201) for answer in answers), [answer.text for answer in answers]
    return client


def check(client, *declarations):
    items = [dict(zip(("kind", "name", "fields"), each, strict=True)) for each in declarations]
    answer = client.post("/api/declarations/check", json={"declarations": items})
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


@pytest.mark.parametrize(
    ("kind", "name", "fields", "change"),
    [
        ("groups", "regions", GROUP, "none"),
        ("groups", "regions", {"targets": GROUP["targets"][:1]}, "change"),
        ("groups", "others", GROUP, "create"),
        ("calendars", "holidays", DAYS, "none"),
        ("calendars", "holidays", {"days": DAYS["days"][::-1]}, "none"),
        ("calendars", "holidays", {"days": ["2026-12-08"]}, "change"),
        ("calendars", "others", DAYS, "create"),
        ("flows", "shop-42", {"rate": 10, "per": 60, "concurrency": 3}, "none"),
        ("flows", "shop-42", {"rate": 10, "per": 60}, "change"),
        ("flows", "others", {"concurrency": 3}, "create"),
        ("endpoints", HOOK, {"types": ["job.cancelled", "job.finished"]}, "none"),
        ("endpoints", HOOK, {}, "change"),
        ("endpoints", HOOK, {"types": ["job.cancelled", "job.finished"], "enabled": False}, "change"),
        ("endpoints", f"{HOOK}/2", {}, "create"),
        ("channels", "slack", {"url": SLACK}, "none"),
        ("channels", "slack", {"url": f"{SLACK}2"}, "change"),
        ("channels", "slack", {"url": "https://hooks.slack.com/[redacted]"}, "none"),
        ("channels", "discord", {"url": SLACK}, "create"),
        ("alerts", "nightly", ALERT, "none"),
        ("alerts", "nightly", {**ALERT, "to": ALERT["to"][::-1], "late_after": "5m"}, "none"),
        ("alerts", "nightly", {**ALERT, "to": [{"webhook": HOOK}, {"slack": f"{SLACK}2"}]}, "change"),
        ("alerts", "nightly", {"to": ALERT["to"], "on": ALERT["on"]}, "change"),
        ("alerts", "others", ALERT, "create"),
    ],
)
def test_it_says_what_would_become_of_each(filled, kind, name, fields, change):
    [verdict] = check(filled, (kind, name, fields))

    assert (verdict["kind"], verdict["name"], verdict["change"]) == (kind, name, change)
    assert (verdict["before"] is None) == (change == "create")
    assert (verdict["before"] == verdict["after"]) == (change == "none") or fields != ALERT


def test_nothing_is_made(client):
    check(
        client,
        ("groups", "a", GROUP),
        ("calendars", "a", DAYS),
        ("endpoints", HOOK, {}),
        ("flows", "a", {"rate": None}),
    )
    check(client, ("channels", "slack", {"url": SLACK}), ("alerts", "a", ALERT))

    assert [table.select().count() for table in (TargetGroup, Calendar, Endpoint, Channel, Alert)] == [0] * 5
    assert client.get("/api/flows").json["data"] == []


def test_what_is_shown_means_the_same_and_has_no_secret(filled):
    declared = [("alerts", "nightly", ALERT), ("channels", "slack", {"url": SLACK})]
    verdicts = check(filled, *declared)

    again = check(filled, *((each["kind"], each["name"], each["before"]) for each in verdicts))

    assert [each["change"] for each in again] == ["none", "none"]
    assert "s3cret" not in json.dumps([*verdicts, *again])


def test_the_id_is_the_one_by_which_it_is_changed(filled):
    verdicts = check(filled, ("alerts", "nightly", ALERT), ("endpoints", HOOK, {}), ("groups", "regions", GROUP))

    ids = [filled.get(f"/api/{kind}").json["data"][0]["id"] for kind in ("alerts", "endpoints")]
    assert [each["id"] for each in verdicts] == [*ids, None]


def test_what_another_account_has_is_not_there(filled, stranger):
    declared = [("groups", "regions", GROUP), ("alerts", "nightly", ALERT), ("flows", "shop-42", {"rate": 1, "per": 1})]

    assert {each["change"] for each in check(stranger, *declared)} == {"create"}


def test_the_limits_are_shown_with_what_is_there(filled, stranger):
    filled.post("/api/schedules", json={"url": HOOK, "cron": "@daily"})

    def limits(client):
        return {
            each["kind"]: (each["used"], each["limit"]) for each in client.get("/api/declarations/limits").json["data"]
        }

    assert limits(filled) == {
        "calendars": (1, 100),
        "groups": (1, 1000),
        "endpoints": (1, 20),
        "schedules": (1, 10_000),
        "alerts": (1, 100),
    }
    assert {used for used, _ in limits(stranger).values()} == {0}


def test_a_flow_whose_limits_come_from_orders_is_not_there(client):
    client.post("/api/jobs", json={"url": HOOK, "flow": {"key": "f", "concurrency": 3}})

    assert check(client, ("flows", "f", {"concurrency": 3}))[0]["change"] == "create"


@one_database
@pytest.mark.parametrize(
    ("kind", "name", "fields", "path"),
    [
        ("groups", "a b", GROUP, "name"),
        ("groups", "..", GROUP, "name"),
        ("groups", "a", {"targets": []}, "targets"),
        ("groups", "a", {"targets": [{"name": "x"}]}, "targets.0.url"),
        ("calendars", "a", {"days": ["2026-02-30"]}, "days.0"),
        ("flows", "a/b", {"concurrency": 1}, "name"),
        ("flows", "a", {"rate": 1}, "per"),
        ("flows", "a", {"rte": 1}, "rte"),
        ("endpoints", "no url", {}, "name"),
        ("endpoints", HOOK, {"types": ["nothing"]}, "types"),
        ("endpoints", HOOK, {"url": HOOK}, "url"),
        ("channels", "demo", {"url": HOOK}, "name"),
        ("channels", "slack", {}, "url"),
        ("channels", "slack", {"url": "https://hooks.slack.com/[redacted]"}, "url"),
        ("alerts", "", ALERT, "name"),
        ("alerts", "a", {"on": ["failed"]}, "to"),
        ("alerts", "a", {**ALERT, "muted_until": None}, "muted_until"),
        ("alerts", "a", {**ALERT, "scope": {"schedule": "none"}}, "scope.schedule"),
        ("alerts", "a", {"to": [{"slack": "https://hooks.slack.com/[redacted]"}]}, "to.0.slack"),
        ("lanes", "a", {}, "kind"),
        ("groups", 5, {}, "name"),
        ("groups", "a", [], "fields"),
    ],
)
def test_each_mistake_is_answered_in_its_place(client, kind, name, fields, path):
    right, wrong = check(client, ("flows", "right", {"concurrency": 1}), (kind, name, fields))

    assert right["change"] == "create"
    assert wrong["error"]["status"] == 422
    assert path in wrong["error"]["errors"]


@one_database
@pytest.mark.parametrize("declarations", [[], None, {}, [{}] * 101])
def test_a_list_that_is_none_is_refused(client, declarations):
    assert "declarations" in errors_of(client.post("/api/declarations/check", json={"declarations": declarations}))
