"""The commands for groups, calendars, backfills, alert rules, incidents and operations, against a live server."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from booper_client import Client
from tests.support.waiting import wait_until

URL = "https://example.com/hook"
NOBODY = "http://127.0.0.1:9/"


@pytest.fixture
def api(server, key):
    with Client(server.url, key) as client:
        yield client


def cells(run):
    assert run.code == 0, run.err
    return [line.split("\t") for line in run.out.splitlines()]


def fields(run):
    return dict(cells(run))


def test_a_rule_takes_other_fields_and_one_of_its_targets_is_tested(booper):
    words = ["--to", f"webhook={URL}/a", "--to", f"webhook={URL}/b", "--field", "share:=0.5", "--on", "failed"]
    made = json.loads(booper("alerts", "create", "reports", *words, "-o", "json").out)

    assert made["share"] == 0.5
    assert len(cells(booper("alerts", "test", made["id"], "--target", "1"))) == 1
    assert len(cells(booper("alerts", "test", made["id"]))) == 2


def test_a_group_has_exactly_the_targets_that_were_set(booper):
    booper("groups", "set", "shops", f"a={URL}/a", f"b={URL}/b")

    assert fields(booper("groups", "set", "shops", f"c={URL}/c")) == {"group": "shops", "target c": f"{URL}/c"}
    assert cells(booper("groups", "list"))[0][:2] == ["shops", "1"]
    assert fields(booper("groups", "get", "shops"))["target c"] == f"{URL}/c"
    assert booper("groups", "delete", "shops", "-y").out == "shops deleted\n"
    assert booper("groups", "list").out == ""


def test_a_calendar_has_days_and_ranges(booper):
    made = booper("calendars", "set", "holidays", "2030-12-24..2030-12-26", "2031-01-01")

    assert fields(made)["days"] == "2030-12-24..2030-12-26 2031-01-01"
    assert cells(booper("calendars", "list"))[0][:3] == ["holidays", "2", "0"]
    assert fields(booper("calendars", "get", "holidays"))["schedules"] == "0"
    assert booper("calendars", "delete", "holidays", "-y").code == 0
    assert booper("calendars", "list").out == ""


def test_past_instants_are_made_up_for_after_a_yes_alone(booper, api):
    api.schedules.put("k", url=NOBODY, cron="0 0 * * *", max_attempts=1)
    span = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-03T00:00:00Z"]

    assert booper("schedules", "backfill", "k", *span).code == 2
    assert booper("schedules", "backfills", "k").out == ""
    made = fields(booper("schedules", "backfill", "k", *span, "--yes"))
    listed = cells(booper("schedules", "backfills", "k", "--cancel", made["id"]))

    assert made["instants"] == "3"
    assert [(row[-1], row[0] == "running") for row in listed] == [(made["id"], False)]


def test_a_rule_is_made_changed_tested_and_deleted(booper, receiver):
    words = ["alerts", "create", "a", "--to", f"webhook={receiver.url}/", "--label", "x", "--on", "silent"]
    made = booper(*words, "--silent-after", "2h", "--after", "2", "--json")
    rule = json.loads(made.out)

    assert (rule["silent_after"], rule["after"], rule["scope"]) == (7200, 2, {"label": "x"})
    assert fields(booper("alerts", "update", rule["id"], "--disable"))["state"] == "disabled"
    assert fields(booper("alerts", "get", rule["id"]))["watches"] == "label x"
    assert cells(booper("alerts", "list"))[0][:2] == ["a", "disabled"]
    assert cells(booper("alerts", "test", rule["id"]))[0][0] == "webhook"
    assert booper("alerts", "delete", rule["id"], "-y").code == 0
    assert booper("alerts", "list").out == ""


def test_the_address_of_a_target_may_hold_the_sign_that_parts_it_from_its_way(booper, receiver):
    to = f"{receiver.url}/?a=b&c=d"

    made = json.loads(booper("alerts", "create", "a", "--to", f"webhook={to}", "--on", "failed", "-o", "json").out)

    assert [target["webhook"] for target in made["to"]] == [to]


def test_an_incident_is_acknowledged_muted_and_closed(booper, api, receiver):
    booper("alerts", "create", "a", "--to", f"webhook={receiver.url}/", "--on", "failed")
    api.schedules.put("k", url=NOBODY, cron="@yearly", max_attempts=1)
    api.schedules.run("k")
    wait_until(lambda: list(api.incidents.list()), what="an incident")

    [row] = cells(booper("incidents", "list", "--state", "open"))

    assert (row[0], row[2]) == ("open", "failed")
    assert fields(booper("incidents", "acknowledge", row[-1]))["state"] == "acknowledged"
    until = f"{datetime.now(UTC) + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    assert fields(booper("incidents", "mute", row[-1], "--until", until))["muted until"] == until
    assert fields(booper("incidents", "unmute", row[-1]))["muted until"] == ""
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%S.%fZ}"
    assert fields(booper("incidents", "mute", row[-1]))["muted until"] >= tomorrow
    assert fields(booper("incidents", "close", row[-1]))["state"] == "closed"
    assert fields(booper("incidents", "get", row[-1]))["closed"]
    assert booper("incidents", "list", "--state", "open").out == ""


def test_operations_are_listed_shown_and_stopped(booper, api):
    api.jobs.create_many([{"url": URL, "schedule_in": 3600, "name": "n"}] * 3)
    operation = api.jobs.cancel_all(name="n")

    assert cells(booper("operations", "list"))[0][1] == "cancel"
    stopped = fields(booper("operations", "cancel", operation.id))
    assert stopped["id"] == operation.id
    shown = fields(booper("operations", "get", operation.id))
    assert json.loads(shown["filter"]) == {"name": "n"}
    assert shown["state"] == stopped["state"] != "running"
