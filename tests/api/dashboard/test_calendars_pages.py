"""The pages of calendars: what is made, changed, refused and deleted."""

import pytest

from models.schedules.calendars import calendar_changes, calendar_store
from models.schedules.calendars.calendar_store import MAX_DAYS
from models.schedules.schedule_tables import Schedule
from tests.support.browsers import submit_schedule

DAYS = "2026-12-08\n\n2026-12-24 to 2027-01-06\n"


def add(browser, name="holidays", days=DAYS):
    return browser.send("/calendars", name=name, days=days)


def stored(browser):
    return {row.name: row.days for row in calendar_store.listed(browser.account.id)}


def test_a_calendar_is_made_shown_changed_and_deleted(alice, moved_clock):
    assert add(alice).location == "/calendars/holidays?note=saved"
    assert stored(alice) == {"holidays": '["2026-12-08", {"from": "2026-12-24", "to": "2027-01-06"}]'}
    assert '<a href="/calendars/holidays">holidays</a>' in alice.get("/calendars").text
    assert "2026-12-08\n2026-12-24 to 2027-01-06</textarea>" in alice.get("/calendars/holidays").text

    assert alice.send("/calendars/holidays", days="2026-12-25").location == "/calendars/holidays?note=saved"
    assert stored(alice) == {"holidays": '["2026-12-25"]'}

    assert alice.send("/calendars/holidays/delete").location == "/calendars?note=deleted"
    assert stored(alice) == {}


def test_a_calendar_shows_the_schedules_that_name_it_and_is_not_deleted(alice, moved_clock):
    add(alice)
    schedule = submit_schedule(alice, name="Payroll", more='{"exclude": {"calendars": ["holidays"]}}')

    page = alice.get("/calendars/holidays").text

    assert f'<a href="/schedules/{schedule.id}">Payroll</a>' in page
    assert "/calendars/holidays/delete" not in page
    assert 'not on the days of <a href="/calendars/holidays">' in alice.get(f"/schedules/{schedule.id}").text
    answer = alice.send("/calendars/holidays/delete")
    assert (answer.status_code, "1 schedule names the calendar" in answer.text) == (409, True)
    assert "holidays" in stored(alice)


def test_a_schedule_that_is_edited_to_name_another_calendar_does_so(alice, moved_clock):
    add(alice)
    add(alice, name="strikes")
    schedule = submit_schedule(alice, name="Payroll", more='{"exclude": {"calendars": ["holidays"]}}')
    form = {"method": "POST", "url": "https://example.com/hook", "when": "cron", "cron": "0 9 * * *"}

    answer = alice.send(f"/schedules/{schedule.id}/edit", **form, more='{"exclude": {"calendars": ["strikes"]}}')

    assert answer.status_code == 303, answer.text
    frequency = Schedule.get_by_id(schedule.id).frequency
    assert list(calendar_store.names_in(frequency)) == ["strikes"]


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ("2026-12-24\nsoon", "line 2 must be a day such as 2026-12-24"),
        ("2026-13-01", "line 1 must name days that exist, got"),
        ("8001-01-01", "line 1 must name days up to the year 8000, got"),
        ("2027-01-02 to 2026-12-24", "line 1 must not end before it begins, got"),
        ("2026-12-24 to", "line 1 must be a day"),
        ("\n".join(["2026-12-24"] * (MAX_DAYS + 1)), "must be at most 500 lines, got 501"),
    ],
)
def test_days_that_are_none_are_refused_and_nothing_is_changed(alice, days, message):
    add(alice)
    before = stored(alice)

    for answer in (add(alice, "other", days), alice.send("/calendars/holidays", days=days)):
        assert (answer.status_code, message in answer.text, days[:10] in answer.text) == (422, True, True)
    assert stored(alice) == before


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 101, "holidays"])
def test_a_name_that_can_be_none_or_is_taken_is_refused(alice, name):
    add(alice)

    assert add(alice, name, "2026-01-01").status_code == 422
    assert list(stored(alice)) == ["holidays"]


def test_a_calendar_too_many_is_refused(alice, monkeypatch):
    monkeypatch.setattr(calendar_changes, "MAX_CALENDARS", 1)
    add(alice)

    assert add(alice, "another").status_code == 409
    assert list(stored(alice)) == ["holidays"]


def test_the_calendar_of_another_account_is_not_there(alice, bob):
    add(alice)

    assert bob.get("/calendars/holidays").status_code == 404
    assert bob.send("/calendars/holidays", days="").status_code == 404
    assert bob.send("/calendars/holidays/delete").status_code == 404
    assert "/calendars/holidays" not in bob.get("/calendars").text
    assert "holidays" in stored(alice)
