"""From when to when a list is shown, and in which zone the times of a form are."""

import html
import re

import pytest
from marshmallow import ValidationError

from api.dashboard.reader_times import in_utc, zone_of
from models.flows import gates
from models.jobs import records
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.times import parse_instant
from models.schedules.backfills.backfill_tables import Backfill
from tests.support.browsers import submit_schedule
from tests.support.log_rows import insert_log_rows
from tests.support.rows import make_failed_job, make_job

BERLIN = "Europe/Berlin"
LISTS = ("/jobs", "/logs", "/failures")


def at(text):
    return parse_instant(f"2026-01-01T{text}Z")


def add_at(browser, path, name, instant):
    """Something that the list at the path shows under the name."""
    if path == "/jobs":
        make_job(browser.account, name=name, inserted_at=instant)
    elif path == "/logs":
        insert_log_rows([records.log_row(browser.account.id, 1, None, "worker.http.request", {"url": name}, instant)])
    else:
        job = make_failed_job(browser.account, name, "timeout")
        Job.update(attempted_at=instant, inserted_at=instant).where(Job.id == job.id).execute()


def shown(browser, path, **fields):
    """Which of the names the list shows."""
    answer = browser.client.get(path, query_string=fields)
    assert answer.status_code == 200, answer.text
    return [name for name in ("old.example", "now.example") if name in answer.text]


@pytest.mark.parametrize("path", LISTS)
def test_a_preset_shows_what_is_as_young(alice, moved_clock, path):
    add_at(alice, path, "old.example", clock.now() - 2 * clock.HOUR)
    add_at(alice, path, "now.example", clock.now() - clock.MINUTE)

    assert shown(alice, path, span="1h") == ["now.example"]
    for span in ("24h", "7d", "all"):
        assert shown(alice, path, span=span) == ["old.example", "now.example"]


@pytest.mark.parametrize("path", LISTS)
def test_times_of_a_range_are_those_of_the_zone_beside_them(alice, moved_clock, path):
    add_at(alice, path, "old.example", at("07:30:00"))
    add_at(alice, path, "now.example", at("08:30:00"))

    assert shown(alice, path, after="2026-01-01T09:00", zone=BERLIN) == ["now.example"]
    assert shown(alice, path, before="2026-01-01T09:00", zone=BERLIN) == ["old.example"]
    assert shown(alice, path, after="2026-01-01T07:00", before="2026-01-01T08:00") == ["old.example"]
    assert shown(alice, path, after="2026-01-01T08:00:00.000000Z", zone=BERLIN) == ["now.example"]


@pytest.mark.parametrize("path", LISTS)
def test_times_of_ones_own_outrank_a_preset(alice, moved_clock, path):
    add_at(alice, path, "old.example", at("07:30:00"))
    add_at(alice, path, "now.example", at("08:30:00"))

    assert shown(alice, path, span="1h", after="2026-01-01T07:00") == ["old.example", "now.example"]


@pytest.mark.parametrize("path", LISTS)
def test_a_range_that_cant_be_read_is_told(alice, path):
    unknown = {"after": "2026-01-01T09:00", "zone": "Nowhere/Land"}
    for name, fields in {"after": {"after": "soon"}, "zone": unknown}.items():
        answer = alice.client.get(path, query_string=fields)
        assert answer.status_code == 422
        assert f"{name} must be" in answer.text.replace("created from", "after")


@pytest.mark.parametrize("path", LISTS)
def test_the_picker_says_which_range_is_shown_and_keeps_its_times(alice, moved_clock, path):
    preset, own = (alice.get(f"{path}?{query}").text for query in ("span=7d", "after=2026-01-01T07:00&zone=UTC"))

    assert re.findall(r'aria-current="true">([^<]+)</a>', preset)[-1:] == ["7 days"]
    assert '<details class="range" id="range"><summary>' in preset
    assert '<details class="range" id="range" open>' in own
    assert 'value="2026-01-01T07:00:00" data-instant="2026-01-01T07:00:00.000000Z"' in own


def test_a_range_of_jobs_keeps_their_other_filters(alice, moved_clock):
    text = html.unescape(alice.get("/jobs?state=discarded&host=a.example&span=7d").text)

    assert "/jobs?state=discarded&host=a.example&span=1h" in text
    assert '<input type="hidden" name="span" value="7d">' in text


def test_a_preset_is_not_written_into_the_search_as_an_instant(alice, moved_clock):
    assert ' value="host:a.example"' in alice.get("/jobs?host=a.example&span=7d").text


def test_a_time_in_the_search_outranks_a_preset(alice, moved_clock):
    add_at(alice, "/jobs", "old.example", clock.now() - 2 * clock.HOUR)
    assert shown(alice, "/jobs", q="after:3h", span="1h") == ["old.example"]


def test_the_log_of_a_time_that_is_over_is_not_followed(alice, moved_clock):
    assert "data-tail" in alice.get("/logs?span=1h").text
    assert "data-tail" not in alice.get("/logs?before=2026-01-01T07:00").text


def test_a_group_of_failures_is_run_again_within_the_range_that_is_shown(alice, moved_clock):
    for instant in (at("07:30:00"), at("08:30:00")):
        add_at(alice, "/failures", "a.example", instant)

    alice.send(
        "/failures/again", state="discarded", host="a.example", reason="timeout", before="2026-01-01T08:00:00.000000Z"
    )

    assert Job.select().where(Job.state == "available").count() == 1


def test_a_pause_ends_at_the_time_of_the_readers_zone(alice, moved_clock):
    form = {"key": "a.example", "until": "2026-01-02T10:00", "zone": BERLIN}
    assert alice.send("/hosts/pause", **form).status_code == 303
    assert gates.find(alice.account.id, "host", "a.example").paused_until == parse_instant("2026-01-02T09:00:00Z")


def test_a_pause_with_a_zone_that_is_none_pauses_nothing(alice, moved_clock):
    form = {"key": "a.example", "until": "2026-01-02T10:00", "zone": "Nowhere/Land"}
    answer = alice.send("/hosts/pause", **form)
    assert (answer.status_code, "zone must be a time zone" in answer.text) == (422, True)
    assert gates.find(alice.account.id, "host", "a.example") is None


@pytest.mark.parametrize("path", [*LISTS, "/find/results"])
def test_a_zone_that_is_none_matters_only_to_a_time(alice, path):
    """A browser may know zones that the server does not."""
    assert alice.client.get(path, query_string={"q": "shop", "zone": "Etc/Unknown"}).status_code == 200
    assert alice.send("/hosts/pause", key="a.example", until="", zone="Etc/Unknown").status_code == 303


def test_a_time_in_the_box_is_not_read_in_a_zone_that_is_none(alice):
    answer = alice.client.get("/jobs", query_string={"q": "after:2026-01-01", "zone": "Etc/Unknown"})
    assert (answer.status_code, "zone must be a time zone" in answer.text) == (422, True)


def test_a_backfill_covers_the_times_of_the_readers_zone(alice, moved_clock):
    made = submit_schedule(alice, cron="0 * * * *")
    past = {"from": "2026-01-01T07:00", "to": "2026-01-01T08:00", "zone": BERLIN}
    assert alice.send(f"/schedules/{made.id}/backfill", **past).status_code == 303
    assert [(row.first_at, row.last_at) for row in Backfill.select()] == [(at("06:00:00"), at("07:00:00"))]


@pytest.mark.parametrize("name", ["Nowhere/Land", "../../etc/passwd", "a\0b", "x" * 5000])
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(ValidationError, match="time zone that this server knows"):
        zone_of(name)


def test_without_a_zone_times_are_those_of_utc():
    assert in_utc({"after": "2026-07-01T10:00", "text": "2026-07-01"}, ("after",)) == {
        "after": "2026-07-01T10:00:00.000000Z",
        "text": "2026-07-01",
    }
    assert zone_of("").key == "UTC"
