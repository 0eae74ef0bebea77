"""Badges show without a key how one schedule is doing, and nothing else."""

import xml.etree.ElementTree as ET

import pytest

from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.schedule_tables import Schedule
from tests.support.alerts import fail_due, succeed_due
from tests.support.api_client import ApiClient, errors_of
from tests.support.schedule_rows import create_schedule

NASTY = '<script>"&'


@pytest.fixture
def schedule(account, moved_clock):
    return create_schedule(account, {"name": f"backup {NASTY}"})


def path_of(client, schedule, kind="json"):
    data = client.get(f"/api/schedules/{schedule.id}/badge").json["data"]
    return data[kind].partition("8000")[2]


def test_a_badge_says_how_the_schedule_is_doing(app, client, account, schedule, moved_clock):
    path, anybody = path_of(client, schedule), ApiClient(app)
    succeed_due()
    assert anybody.get(path).json == {
        "schemaVersion": 1,
        "label": f"backup {NASTY}",
        "message": "on time",
        "color": "#1a7f37",
    }
    moved_clock.advance(hours=1)
    fail_due()
    assert anybody.get(path).json["message"] == "failed"
    assert client.get(f"/api/schedules/{schedule.id}/badge").json["data"]["state"] == "failed"
    schedule_changes.disable(account.id, schedule.id, clock.now())
    assert anybody.get(path).json["message"] == "disabled"


def test_the_badge_of_a_schedule_without_a_name_says_what_it_is_of(app, client, account, moved_clock):
    path = path_of(client, create_schedule(account, {}))

    assert ApiClient(app).get(path).json["label"] == "schedule"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"next_at": None}, "finished"),
        ({"next_at": None, "failures": 1}, "failed"),
        ({"next_at": None, "failures": 2}, "failing (2)"),
        ({"disabled_at": 5, "failures": 2}, "disabled"),
        ({"disabled_at": 5, "next_at": None}, "disabled"),
    ],
)
def test_a_schedule_that_failed_last_has_not_finished_well_and_one_that_was_disabled_is_not_looked_at(
    app, client, schedule, change, message
):
    succeed_due()
    Schedule.update(change).execute()

    assert ApiClient(app).get(path_of(client, schedule)).json["message"] == message


def test_a_badge_is_drawn_with_the_name_as_text(app, client, schedule):
    drawn = ApiClient(app).get(path_of(client, schedule, "svg"))
    assert drawn.headers["Content-Type"].startswith("image/svg+xml")
    root = ET.fromstring(drawn.text)  # noqa: S314 - ours
    assert [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")] == [f"backup {NASTY}", "enabled"]
    assert "<script" not in drawn.text


@pytest.mark.parametrize("kind", ["svg", "json"])
def test_a_badge_may_be_kept_for_half_a_minute(app, client, schedule, kind):
    assert ApiClient(app).get(path_of(client, schedule, kind)).headers["Cache-Control"] == "public, max-age=30"


def test_a_token_of_another_schedule_is_none(app, client, account, schedule):
    path = path_of(client, schedule)
    token = path.rpartition("/")[2].removesuffix(".json")
    forged = ("B" if token[30] != "B" else "C").join((token[:30], token[31:]))
    for text in (forged, token[:-4], "x", "é", "%00", token + "AAAA"):
        assert errors_of(ApiClient(app).get(f"/api/badges/{text}.json"), 404) == {}
        assert ApiClient(app).get(f"/badges/{text}.svg").status_code == 404


def test_the_badge_of_a_deleted_schedule_is_gone(app, client, account, schedule):
    path = path_of(client, schedule)
    schedule_changes.delete(account.id, schedule.id, clock.now())
    assert errors_of(ApiClient(app).get(path), 404) == {}
