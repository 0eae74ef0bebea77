"""Alert rules and incidents over the API: kept as ordered, secrets never shown, bad input refused in words."""

import pytest

from models.accounts import account_store
from models.alerts.alert_store import MAX_ALERTS
from models.alerts.trial_messages import AN_HOUR
from models.jobs.job_kinds import ALERT
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.times import format_instant
from models.webhooks.webhook_tables import AlertTarget
from runtime import settings
from tests.support.alerts import fail_due, look, send
from tests.support.api_client import ApiClient, errors_of, one_database
from tests.support.apps import app_of
from tests.support.races import at_once
from tests.support.schedule_rows import create_schedule

SLACK = "https://hooks.slack.example/services/T0/s3cret"
TEAMS = "https://teams.example/workflows/s3cret"
KEY = "0123456789abcdef0123456789abcdef"
RULE = {"name": "nightly", "to": [{"webhook": "https://ops.example/hook"}]}


def make(client, **fields):
    response = client.post("/api/alerts", json=RULE | fields)
    assert response.status_code == 201, response.json
    return response.json["data"]


def mailing_client(account):
    app = app_of(settings.load({"BOOPER_SMTP_URL": "smtp://mail.example"}))
    return ApiClient(app, account_store.create_key(account, "mail", clock.now())[1])


def an_incident(client, account):
    make(client, to=[{"slack": SLACK}])
    create_schedule(account, {"name": "backup"})
    fail_due()
    look()
    return client.get("/api/incidents").json["data"][0]


def test_a_rule_is_made_with_defaults_read_listed_and_deleted(client):
    made = make(client)
    assert made["on"] == ["failed", "missed", "recovered"]
    assert (made["scope"], made["after"], made["late_after"], made["repeat_every"]) == ({"account": True}, 1, 300, None)
    assert (made["to"], made["enabled"], made["quiet"]) == (RULE["to"], True, None)
    assert client.get(f"/api/alerts/{made['id']}").json["data"] == made
    assert client.get("/api/alerts").json["data"] == [made]
    assert client.ask("DELETE", f"/api/alerts/{made['id']}").status_code == 204
    assert errors_of(client.get(f"/api/alerts/{made['id']}"), 404) == {}
    assert AlertTarget.select().count() == 0


def test_a_second_rule_of_the_name_is_refused_only_where_it_has_to_be_unique(client, stranger):
    unique = RULE | {"unique": True}
    assert [client.post("/api/alerts", json=unique).status_code for _ in range(2)] == [201, 409]
    assert client.post("/api/alerts", json=unique | {"name": "Nightly"}).status_code == 201
    assert stranger.post("/api/alerts", json=unique).status_code == 201
    assert make(client)["name"] == RULE["name"]


def test_of_many_made_at_once_that_have_to_be_unique_one_is_made(client):
    answers = at_once(*[lambda: client.post("/api/alerts", json=RULE | {"unique": True})] * 6)

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert len(client.get("/api/alerts").json["data"]) == 1


def all_fields(account):
    """A value of each field that is not its default."""
    return {
        "on": ["late", "silent", "recovered"],
        "scope": {"schedule": create_schedule(account).id},
        "after": 3,
        "share": 0.2,
        "within": 1800.0,
        "at_least": 10,
        "late_after": 600.0,
        "silent_after": 3600.0,
        "long_after": 60.0,
        "waiting_after": 90.0,
        "repeat_every": 7200.0,
        "quiet": {"from": "22:00", "to": "07:30", "timezone": "Europe/Berlin"},
        "enabled": False,
    }


def test_a_rule_takes_all_that_it_shows(client, account):
    fields = all_fields(account)
    made = make(client, **fields)
    assert {name: made[name] for name in fields} == fields


def test_a_change_of_one_field_leaves_every_other(client, account):
    made = make(client, **all_fields(account))
    for name, value in make(client).items():
        if name in all_fields(account):
            changed = client.ask("PATCH", f"/api/alerts/{made['id']}", json={name: value}).json["data"]
            assert changed == made | {name: value}, name
            made = changed


def test_no_response_shows_a_secret(client):
    to = [{"slack": SLACK}, {"teams": TEAMS}, {"pagerduty": KEY}]
    made = make(client, to=to)
    texts = [client.get(f"/api/alerts/{made['id']}").text, client.get("/api/alerts").text]
    texts.append(client.ask("PATCH", f"/api/alerts/{made['id']}", json={"name": "n"}).text)
    texts.append(client.post(f"/api/alerts/{made['id']}/test").text)
    texts.append(client.get("/api/jobs?kind=alert").text)
    assert not [text for text in texts if "s3cret" in text or KEY in text]
    assert made["to"][0] == {"slack": "https://hooks.slack.example/[redacted]"}


def test_an_address_that_is_sent_as_it_is_shown_stays_as_it_is(client):
    made = make(client, to=[{"slack": SLACK}, {"pagerduty": KEY}])
    to = [*made["to"], {"teams": TEAMS}]
    changed = client.ask("PATCH", f"/api/alerts/{made['id']}", json={"to": to})
    assert changed.status_code == 200
    assert [row.url for row in AlertTarget.select().where(AlertTarget.way == "slack")] == [SLACK]
    assert AlertTarget.select().count() == 3
    refused = client.ask(
        "PATCH", f"/api/alerts/{made['id']}", json={"to": [{"discord": "https://d.example/[redacted]"}]}
    )
    assert "to.0.discord" in errors_of(refused)
    assert "to.0.slack" in errors_of(client.post("/api/alerts", json=RULE | {"to": made["to"]}))


def test_two_addresses_that_are_shown_alike_both_stay(client):
    urls = [f"{SLACK}-{number}" for number in range(2)]
    made = make(client, to=[{"slack": url} for url in urls])
    assert made["to"][0] == made["to"][1]

    assert client.ask("PATCH", f"/api/alerts/{made['id']}", json={"to": made["to"]}).status_code == 200
    assert [row.url for row in AlertTarget.select().order_by(AlertTarget.id)] == urls
    three = [*made["to"], made["to"][0]]
    assert "to.2.slack" in errors_of(client.ask("PATCH", f"/api/alerts/{made['id']}", json={"to": three}))


def test_a_test_makes_a_message_for_each_target(client):
    made = make(client, to=[{"slack": SLACK}, {"webhook": "https://ops.example/hook"}])
    tested = client.post(f"/api/alerts/{made['id']}/test")
    assert [each["way"] for each in tested.json["data"]] == ["slack", "webhook"]
    jobs = Job.select().where(Job.kind == ALERT)
    assert {job.uuid for job in jobs} == {each["job_id"] for each in tested.json["data"]}


@one_database
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": 5}, "name"),
        ({"on": []}, "on"),
        ({"on": ["recovered"]}, "on"),
        ({"on": ["failed", "burning"]}, "on"),
        ({"on": [[]]}, "on"),
        ({"on": "failed"}, "on"),
        ({"scope": {}}, "scope"),
        ({"scope": {"account": True, "label": "x"}}, "scope"),
        ({"scope": {"account": False}}, "scope.account"),
        ({"scope": {"planet": "x"}}, "scope.planet"),
        ({"scope": {"schedule": "missing"}}, "scope.schedule"),
        ({"scope": {"schedule": []}}, "scope.schedule"),
        ({"scope": {"label": "a\nb"}}, "scope.label"),
        ({"scope": {"host": "a/b"}}, "scope.host"),
        ({"scope": {"host": 7}}, "scope.host"),
        ({"scope": {"flow": "\x00"}}, "scope.flow"),
        ({"after": 0}, "after"),
        ({"after": 1001}, "after"),
        ({"after": True}, "after"),
        ({"share": 0}, "share"),
        ({"share": 1.01}, "share"),
        ({"share": True}, "share"),
        ({"share": "0.2"}, "share"),
        ({"within": "25h"}, "within"),
        ({"within": 59}, "within"),
        ({"at_least": 0}, "at_least"),
        ({"late_after": 59}, "late_after"),
        ({"late_after": 1e308}, "late_after"),
        ({"silent_after": "91d"}, "silent_after"),
        ({"long_after": None}, "long_after"),
        ({"repeat_every": "often"}, "repeat_every"),
        ({"quiet": {"from": "22:00"}}, "quiet.to"),
        ({"quiet": {"from": "24:00", "to": "07:00", "timezone": "Europe/Berlin"}}, "quiet.from"),
        ({"quiet": {"from": 22, "to": "07:00", "timezone": "Europe/Berlin"}}, "quiet.from"),
        ({"quiet": {"from": "07:00", "to": "07:00", "timezone": "Europe/Berlin"}}, "quiet.to"),
        ({"quiet": {"from": "22:00", "to": "07:00", "timezone": "Mars/Base"}}, "quiet.timezone"),
        ({"quiet": []}, "quiet"),
        ({"to": []}, "to"),
        ({"to": [RULE["to"][0]] * 11}, "to"),
        ({"to": ["https://ops.example/"]}, "to.0"),
        ({"to": [{"pigeon": "x"}]}, "to.0.pigeon"),
        ({"to": [{"slack": "ftp://x.example/"}]}, "to.0.slack"),
        ({"to": [{"slack": "http://127.0.0.1:1/"}, {"slack": 5}]}, "to.1.slack"),
        ({"to": [{"pagerduty": "short"}]}, "to.0.pagerduty"),
        ({"to": [{"pagerduty": {"a": 1}}]}, "to.0.pagerduty"),
        ({"muted_until": 0}, "muted_until"),
        ({"enabled": "yes"}, "enabled"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_input_is_refused_at_its_place(client, fields, path):
    errors = errors_of(client.post("/api/alerts", json=RULE | fields))
    assert path in errors
    made = make(client)
    assert path in errors_of(client.ask("PATCH", f"/api/alerts/{made['id']}", json=fields))


@one_database
@pytest.mark.parametrize("address", ["ops@example.com\n", "a b@example.com", "ops", "<ops@example.com>", 5, "a@b@c"])
def test_an_address_that_is_none_is_refused(db, account, address):
    client = mailing_client(account)
    assert "to.0.email" in errors_of(client.post("/api/alerts", json=RULE | {"to": [{"email": address}]}))


@one_database
def test_mail_needs_a_server(client, account, db):
    to = [{"email": "ops@example.com"}]
    assert "to.0.email" in errors_of(client.post("/api/alerts", json=RULE | {"to": to}))
    assert make(mailing_client(account), to=to)["to"] == to


@one_database
def test_a_refused_secret_is_not_quoted(client):
    response = client.post("/api/alerts", json=RULE | {"to": [{"pagerduty": "s3cret"}]})
    assert response.status_code == 422
    assert "s3cret" not in response.text


@one_database
def test_an_account_has_a_hundred_rules_and_no_more(client):
    for _ in range(MAX_ALERTS):
        make(client)
    assert client.post("/api/alerts", json=RULE).status_code == 409


def test_an_incident_shows_whom_it_is_about_and_what_became_of_its_messages(client, account, moved_clock):
    listed = an_incident(client, account)
    send(moved_clock)
    shown = client.get(f"/api/incidents/{listed['id']}").json["data"]
    assert (shown["type"], shown["title"], shown["alert"]) == ("failed", "backup", "nightly")
    [affected], [sent] = shown["affected"], shown["notifications"]
    assert affected["subject"] == shown["subject"].removeprefix("schedule:")
    assert (sent["type"], sent["way"], sent["state"]) == ("opened", "slack", "available")
    assert sent["to"] == "https://hooks.slack.example/[redacted]"


def test_incidents_are_listed_by_state(client, account, moved_clock):
    incident = an_incident(client, account)
    assert client.get("/api/incidents?state=open").json["data"] == [incident]
    assert client.get("/api/incidents?state=closed").json["data"] == []
    closed = client.post(f"/api/incidents/{incident['id']}/close")
    assert closed.json["data"]["closed_at"] is not None
    assert client.get("/api/incidents?state=open").json["data"] == []
    assert len(client.get("/api/incidents?state=closed&limit=1").json["data"]) == 1


def test_an_incident_is_acknowledged_and_muted(client, account, moved_clock):
    incident = an_incident(client, account)
    path = f"/api/incidents/{incident['id']}"
    assert client.post(f"{path}/acknowledge").json["data"]["acknowledged_at"] is not None
    until = clock.now() // clock.SECOND + 3600
    assert client.post(f"{path}/mute", json={"until": until}).json["data"]["muted_until"] is not None
    assert client.post(f"{path}/mute", json={"until": None}).json["data"]["muted_until"] is None
    assert "until" in errors_of(client.post(f"{path}/mute", json={"until": 5}))


def test_an_incident_is_muted_for_a_day_unless_the_request_says_until_when(client, account, moved_clock):
    incident = an_incident(client, account)
    tomorrow = format_instant(clock.now() + clock.DAY)
    assert client.post(f"/api/incidents/{incident['id']}/mute").json["data"]["muted_until"] == tomorrow


def test_another_account_sees_no_rule_and_no_incident(client, stranger, account, moved_clock):
    incident = an_incident(client, account)
    [rule] = client.get("/api/alerts").json["data"]
    assert stranger.get("/api/alerts").json["data"] == stranger.get("/api/incidents").json["data"] == []
    for path in (
        f"/api/alerts/{rule['id']}/test",
        *(f"/api/incidents/{incident['id']}/{do}" for do in ("close", "acknowledge")),
    ):
        assert errors_of(stranger.post(path), 404) == {}
    assert errors_of(stranger.post("/api/alerts", json=RULE | {"scope": {"schedule": incident["subject"][9:]}}))


def test_one_target_is_tested_by_its_place(client):
    made = make(client, to=[{"slack": SLACK}, {"webhook": "https://ops.example/hook"}])
    path = f"/api/alerts/{made['id']}/test"
    assert [each["way"] for each in client.post(path).json["data"]] == ["slack", "webhook"]
    assert [each["way"] for each in client.post(path, json={"target": 1}).json["data"]] == ["webhook"]
    assert set(errors_of(client.post(path, json={"target": 2}), 422)) == {"target"}
    assert set(errors_of(client.post(path, json={"target": -1}), 422)) == {"target"}


def test_more_tests_than_an_hour_allows_are_refused(client, moved_clock):
    path = f"/api/alerts/{make(client)['id']}/test"
    for _ in range(AN_HOUR):
        assert client.post(path).status_code == 200
    refused = client.post(path)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3601")
    moved_clock.advance(hours=1)
    assert client.post(path).status_code == 200
