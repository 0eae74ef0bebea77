"""POST /api/schedules/check: what PUT would do with many schedules, and that nothing is done."""

import json

import pytest

from models.schedules.schedule_tables import Schedule
from tests.support.api_client import URL, errors_of, one_database

DAILY = {"url": URL, "cron": "0 0 * * *"}


def put(client, key, **fields):
    assert client.ask("PUT", f"/api/schedules/{key}", json=fields).status_code == 201


def check(client, *schedules):
    answer = client.post("/api/schedules/check", json={"schedules": list(schedules)})
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({"url": URL, "cron": "0 0 * * *"}, "none"),
        ({"url": URL, "cron": "@daily", "method": "GET", "overlap": "skip"}, "none"),
        ({"url": URL, "cron": "0 1 * * *"}, "change"),
        ({"url": URL, "cron": "0 0 * * *", "flow": {"key": "f"}}, "change"),
        ({"url": URL, "cron": "0 0 * * *", "body": {"a": 1}}, "change"),
        ({"url": URL, "cron": "0 0 * * *", "jitter_seconds": 5}, "change"),
    ],
)
def test_it_says_what_put_would_do(client, fields, change):
    put(client, "a", **DAILY)

    assert check(client, {"key": "a", **fields}) == [{"key": "a", "change": change, "counts": False}]
    assert Schedule.select(Schedule.args).scalar() == '{"cron":"0 0 * * *","url":"https://example.com/hook"}'


def test_what_there_is_not_would_be_created_and_is_not(client):
    assert check(client, {"key": "a", **DAILY}) == [{"key": "a", "change": "create", "counts": True}]
    assert Schedule.select().count() == 0


def test_put_agrees_with_it(client):
    put(
        client,
        "a",
        **DAILY,
        jitter_seconds=60,
        body={"x": [1.0]},
        headers={"A": "b"},
        flow={"key": "f", "rate": 1, "per": "1m"},
    )
    stored = client.get("/api/schedules/a").json["data"]["args"]

    assert check(client, {"key": "a", **stored})[0]["change"] == "none"


def test_the_schedule_of_another_account_is_none(client, stranger):
    put(stranger, "a", **DAILY)

    assert check(client, {"key": "a", **DAILY})[0]["change"] == "create"


@one_database
def test_each_mistake_is_answered_in_its_place(client):
    items = check(client, {"key": "a", **DAILY}, {"key": "b", "url": URL}, {"key": "preview", **DAILY}, {**DAILY}, 5)

    assert [item.get("change") for item in items] == ["create", None, None, None, None]
    fields = [list(item["error"]["errors"]) for item in items[1:]]
    assert fields == [["repeat_every"], ["key"], ["key"], [""]]


@one_database
def test_a_group_may_come_into_being_later(client):
    assert check(client, {"key": "a", "group": "later", "cron": "@daily"})[0]["change"] == "create"


@one_database
@pytest.mark.parametrize("schedules", [[], None, {}, [DAILY] * 1001])
def test_a_list_that_is_none_is_refused(client, schedules):
    assert "schedules" in errors_of(client.post("/api/schedules/check", json={"schedules": schedules}))


@one_database
@pytest.mark.parametrize("key", ["check", "preview"])
def test_an_address_of_its_own_is_no_key(client, key):
    [verdict] = check(client, {"key": key, **DAILY})

    assert list(verdict["error"]["errors"]) == ["key"]


def test_a_calendar_that_there_is_not_is_a_mistake(client):
    put(client, "a", **DAILY)

    verdicts = check(client, *({"key": key, **DAILY, "exclude": {"calendars": ["none"]}} for key in ("a", "b")))

    assert all("calendars of this account" in json.dumps(verdict["error"]["errors"]) for verdict in verdicts)
