"""The options of the job form: what is typed is what the API takes, and an old job fills the form in again."""

import json

import pytest

from models.schedules.schedule_tables import Schedule
from tests.support.browsers import Markup, submit_schedule
from tests.support.rows import make_job

URL = "https://example.com/hook"
BOUNDS = {"starts_at": "2096-01-01T00:00:00Z", "until": "2096-02-01T00:00:00Z", "max_runs": "3"}


def field(page, name):
    """What the input of this name holds."""
    return next(each.get("value", "") for tag, each in Markup(page).tags if tag == "input" and each.get("name") == name)


def test_labels_and_callbacks_have_fields(alice):
    fields = {"labels": " vip, customer:31,", "callback_url": "https://example.com/done"}
    answer = alice.send("/jobs/new", method="POST", url=URL, when="now", **fields)
    assert answer.status_code == 303, answer.text

    page = alice.get(f"/jobs/new?from={answer.location.split('/jobs/')[1].split('?')[0]}").text

    assert (field(page, "labels"), field(page, "callback_url")) == ("vip, customer:31", "https://example.com/done")


def test_the_bounds_and_policies_of_a_schedule_have_fields(alice):
    made = submit_schedule(alice, overlap="allow", misfire="skip", exclude="2096-01-05, 2096-01-06", **BOUNDS)
    frequency = json.loads(made.frequency)
    assert (frequency["max_runs"], frequency["exclude"]) == (3, ["2096-01-05", "2096-01-06"])
    assert (made.overlap, made.misfire) == ("allow", "skip")

    page = alice.get(f"/schedules/{made.id}/edit").text

    assert {name: field(page, name) for name in BOUNDS} == {name: text[:19] for name, text in BOUNDS.items()}
    for name in ("starts_at", "until"):
        assert f'value="{BOUNDS[name][:19]}" data-instant="{BOUNDS[name]}"' in page
    assert field(page, "exclude") == "2096-01-05, 2096-01-06"
    assert "<option selected>allow</option>" in page


@pytest.mark.parametrize(
    ("typed", "zone", "stored"),
    [
        ("2096-07-01T10:00", "Europe/Berlin", "2096-07-01T08:00:00Z"),
        ("2096-07-01T10:00:30", "", "2096-07-01T10:00:30Z"),
        ("2096-07-01T10:00:00Z", "Europe/Berlin", "2096-07-01T10:00:00Z"),
    ],
)
@pytest.mark.parametrize("name", ["starts_at", "until"])
def test_the_bounds_of_a_schedule_are_times_of_the_readers_zone(alice, name, typed, zone, stored):
    made = submit_schedule(alice, **{name: typed, "zone": zone})
    assert json.loads(made.args)[name] == stored
    assert f'value="{stored[:19]}" data-instant="{stored}"' in alice.get(f"/schedules/{made.id}/edit").text


def test_a_bound_in_a_zone_that_is_none_is_told_beside_its_field_and_kept(alice):
    form = {"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *", "zone": "Nowhere/Land"}
    assert alice.send("/jobs/new", **form).status_code == 303
    answer = alice.send("/jobs/new", **form, until="2096-07-01T10:00")
    assert answer.status_code == 422
    assert 'id="until-problem"' in answer.text
    assert field(answer.text, "until") == "2096-07-01T10:00"


@pytest.mark.parametrize("spelled", ["2096-07-01T10:00:00+02:00", "2096-07-01T08:00:00", 3_991_968_000])
def test_a_bound_of_any_spelling_has_its_field(alice, spelled):
    made = submit_schedule(alice, more=json.dumps({"until": spelled}))
    page = alice.get(f"/schedules/{made.id}/edit").text
    assert field(page, "until") == "2096-07-01T08:00:00"
    assert "&#34;until&#34;" not in page


def test_what_commas_would_tear_stays_among_the_other_fields(alice):
    args = json.dumps({"method": "post", "url": URL, "labels": ["a,b"]})
    page = alice.get(f"/jobs/new?from={make_job(alice.account, args=args).uuid}").text
    assert field(page, "labels") == ""
    assert "{&#34;labels&#34;: [&#34;a,b&#34;]}" in page


@pytest.mark.parametrize(
    ("name", "text"), [("max_runs", "many"), ("starts_at", "soon"), ("exclude", "Sunday"), ("overlap", "none")]
)
def test_a_wrong_option_is_told_beside_its_field(alice, name, text):
    fields = {"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *", name: text}
    answer = alice.send("/jobs/new", **fields)
    assert answer.status_code == 422
    assert f'id="{name}-problem"' in answer.text
    assert Schedule.select().count() == 0


def test_only_an_untouched_form_takes_the_zone_of_the_reader(alice):
    made = submit_schedule(alice)
    assert "data-default-zone" in alice.get("/jobs/new?when=cron").text
    assert "data-default-zone" not in alice.get(f"/schedules/{made.id}/edit").text
    assert "data-default-zone" not in alice.get(f"/jobs/new?from={make_job(alice.account).uuid}").text


def test_the_calendars_of_a_schedule_have_a_field(alice):
    for name in ("holidays", "closed"):
        alice.send("/calendars", name=name, days="2096-01-05")
    made = submit_schedule(alice, exclude="2096-01-06", calendars="holidays, closed")
    assert json.loads(made.frequency)["exclude"] == {"days": ["2096-01-06"], "calendars": ["holidays", "closed"]}

    page = alice.get(f"/schedules/{made.id}/edit").text

    assert (field(page, "exclude"), field(page, "calendars")) == ("2096-01-06", "holidays, closed")
    assert "&#34;calendars&#34;" not in page


@pytest.mark.parametrize("fields", [{"calendars": "none"}, {"more": '{"exclude": {"calendars": ["none"]}}'}])
def test_a_calendar_that_is_not_there_is_told_beside_its_field(alice, fields):
    """The form of a new schedule answered 500."""
    form = {"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *"}
    made = submit_schedule(alice)

    for answer in (
        alice.send("/jobs/new", **form, **fields),
        alice.send(f"/schedules/{made.id}/edit", **form, **fields),
    ):
        assert (answer.status_code, "must be names of calendars of this account" in answer.text) == (422, True)
        assert 'id="exclude-problem"' in answer.text
    assert Schedule.select().count() == 1


@pytest.mark.parametrize("more", ["", '{"exclude": {"calendars": ["holidays"]}}'])
def test_a_calendar_is_added_to_a_schedule_and_taken_away(alice, more):
    """The form kept the old calendars where the times stayed as they were."""
    alice.send("/calendars", name="holidays", days="2096-01-05")
    made = submit_schedule(alice)
    form = {"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *"}
    path = f"/schedules/{made.id}/edit"

    assert alice.send(path, **form, **({"more": more} if more else {"calendars": "holidays"})).status_code == 303
    assert json.loads(Schedule.get().frequency)["exclude"]["calendars"] == ["holidays"]

    assert alice.send(path, **form).status_code == 303
    assert "exclude" not in json.loads(Schedule.get().frequency)


@pytest.mark.parametrize(
    ("form", "zone"),
    [
        ({"when": "at", "at": "soon"}, "Europe/Berlin"),
        ({"mode": "json", "json": json.dumps({"url": URL, "scheduled_at": "soon"})}, "UTC"),
    ],
)
def test_a_wrong_time_speaks_of_the_zone_that_the_form_is_in(alice, form, zone):
    """The fields are in the reader's zone; one JSON text is what the API takes."""
    text = alice.send("/jobs/new", method="POST", url=URL, zone="Europe/Berlin", **form).text
    assert f"(without a zone: {zone})" in text
