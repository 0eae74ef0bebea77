"""The status page: whoever has its address sees states and names, nobody else does, and nothing more is in it."""

import re

import pytest

from api.dashboard.pages import status_wall
from api.dashboard.pages.status_wall import LOOKS, ON_TIME, STATES
from api.responses.schedule_health import Health, health
from api.routes.alerts.badges import COLORS
from models.alerts import status_pages
from models.alerts.status_pages import ShownSchedule
from models.rules import clock
from models.schedules import firing_rows, schedule_changes
from models.schedules.firing_rows import FiringRow
from models.schedules.run_results import RESULTS
from models.schedules.schedule_tables import Firing
from tests.support.alerts import REFUSED, end_due, fail_due, look, make_alert, succeed_due
from tests.support.api_client import ApiClient, errors_of
from tests.support.browsers import Markup
from tests.support.results import answered, result_of
from tests.support.schedule_rows import create_schedule, run_ticker
from workers.delivery.recorder import record

NASTY = "<svg/onload=alert(1)>"
SECRET = "s3cret"
ORDER = {
    "url": f"https://{SECRET}.example/{SECRET}?{SECRET}",
    "headers": {"X-Key": SECRET},
    "body": SECRET,
    "method": "post",
    "description": SECRET,
    "labels": [SECRET],
    "repeat_every": 3600,
}


@pytest.fixture
def anybody(app):
    return ApiClient(app)


@pytest.fixture
def url(client):
    return path_of(client.post("/api/status-page"))


def path_of(response):
    return response.json["data"]["url"].partition("8000")[2]


def texts(page, tag):
    """The words of each such tag."""
    inner = re.findall(f"<{tag}(?: [^>]*)?>(.*?)</{tag}>", page.text, re.DOTALL)
    return [" ".join(re.sub("<[^>]*>", " ", each).split()) for each in inner]


def sums(page):
    return dict(zip(texts(page, "dt"), texts(page, "dd"), strict=True))


def test_it_shows_how_schedules_fare_and_how_many(anybody, url, account, moved_clock):
    _, bad, slow, off = [create_schedule(account, {"name": name}) for name in ("good", "bad", "slow", "off")]
    outcomes = {bad.id: answered(500), slow.id: None}  # the target of `slow` has not answered yet
    end_due(lambda job: outcomes.get(job.schedule_id, answered()))
    schedule_changes.disable(account.id, off.id, clock.now())
    create_schedule(account, {"name": "unborn"})

    page = anybody.get(url)

    assert page.status_code == 200
    assert sums(page) == {"failing": "1", "late": "0", "running": "1", "on time": "1", "new": "1", "paused": "1"}
    assert texts(page, "li") == ["bad failing", "slow running", "good on time", "unborn new", "off paused"]
    without_markup = re.sub("<[^>]*>", "", page.text)
    assert "bad failing" in without_markup, "also where styles do not part them"


def test_schedules_for_which_there_is_no_tile_count_all_the_same(anybody, url, account, monkeypatch):
    monkeypatch.setattr(status_wall, "SHOWN", 1)
    for name in ("first", "second"):
        create_schedule(account, {"name": name})

    page = anybody.get(url)

    assert (len(texts(page, "li")), sums(page)["new"]) == (1, "2")


@pytest.mark.parametrize("status", [None, *RESULTS])
@pytest.mark.parametrize(("disabled_at", "next_at"), [(None, 1), (None, None), (1, 1)])
@pytest.mark.parametrize("failures", [0, 1, 3])
def test_every_health_of_a_schedule_has_its_look_on_the_wall_and_its_color_as_a_badge(
    status, disabled_at, next_at, failures
):
    schedule = ShownSchedule("key", "backup", disabled_at, next_at, failures, False)
    runs = [FiringRow(schedule.id, 1, status, None, None, 1)] if status else []

    word, look = health(schedule, runs)
    state = status_wall.state_of(schedule, runs)

    assert look in COLORS
    assert state in STATES
    assert state in LOOKS
    assert (state == ON_TIME) == (word == ON_TIME)


def test_a_word_of_health_that_the_wall_does_not_know_is_not_on_time(monkeypatch):
    monkeypatch.setattr(status_wall, "health", lambda *_: Health("resting", "enabled"))

    with pytest.raises(KeyError):
        status_wall.state_of(ShownSchedule("key", "backup", None, 1, 0, False), [])


@pytest.mark.parametrize(
    ("disabled_at", "failures", "state"),
    [(None, 0, "running"), (1, 0, "paused"), (None, 3, "failing"), (1, 3, "paused")],
)
def test_a_job_under_way_hides_neither_failures_nor_a_pause(disabled_at, failures, state):
    schedule = ShownSchedule("id", "backup", disabled_at, clock.now() + clock.HOUR, failures, is_running=True)
    assert status_wall.state_of(schedule, []) == state


def test_a_run_that_begins_late_or_not_at_all_is_late(anybody, url, account, moved_clock):
    create_schedule(account, {"name": "backup"})
    moved_clock.advance(minutes=5)
    succeed_due()
    assert sums(anybody.get(url))["late"] == "1"
    moved_clock.advance(minutes=55)
    succeed_due()
    assert (sums(anybody.get(url))["late"], sums(anybody.get(url))["on time"]) == ("0", "1")


def test_a_run_that_is_tried_again_or_held_back_is_late(anybody, url, account, moved_clock):
    tried, held = [create_schedule(account, {"name": name, "max_attempts": 2}) for name in ("tried", "held")]
    statuses = {tried.id: 500, held.id: 200}
    record([result_of(job, answered(statuses[job.schedule_id])) for job in run_ticker()])
    assert sorted(texts(anybody.get(url), "li")) == ["held on time", "tried late"]

    Firing.update(status="paused").where(Firing.schedule_id == held.id).execute()

    assert sorted(texts(anybody.get(url), "li")) == ["held late", "tried late"]


def test_a_cancelled_run_leaves_what_was_before(anybody, url, account, moved_clock):
    """It looked on time here, and enabled on the page of the schedule."""
    schedule = create_schedule(account, {"name": "backup", "max_attempts": 2})
    record([result_of(job, answered(500)) for job in run_ticker()])
    at = clock.now() + clock.HOUR
    firing_rows.add([FiringRow(schedule.id, at + n, "cancelled", None, None, at) for n in range(3)])
    assert texts(anybody.get(url), "li") == ["backup late"]


def test_many_schedules_are_looked_up_in_parts(anybody, url, account, moved_clock, monkeypatch):
    monkeypatch.setattr(firing_rows, "LOOKUPS", 2)
    for number in range(5):
        create_schedule(account, {"name": f"job {number}"})
    succeed_due()
    assert sums(anybody.get(url))["on time"] == "5"


def test_it_shows_the_last_incident_in_words(anybody, url, account, moved_clock):
    assert "There was none." in anybody.get(url).text
    make_alert(account)
    create_schedule(account, {"name": f"backup {NASTY}", "host": "db.example"})
    fail_due()
    look()
    text = anybody.get(url).text
    assert "backup &lt;svg/onload=alert(1)&gt; fails" in text
    assert NASTY not in text
    moved_clock.advance(hours=1)
    succeed_due()
    look()
    assert "failed</strong>" in anybody.get(url).text


def test_nothing_of_a_request_is_in_it(anybody, client, url, account, moved_clock):
    make_alert(account)
    assert client.post("/api/jobs", json=ORDER).status_code == 201
    end_due(lambda _: REFUSED)
    look()
    page = anybody.get(url)
    assert "A host is down: 1 schedule" in page.text
    assert "Without a name" in page.text
    assert SECRET not in page.text


def test_it_needs_no_script_and_may_load_none(anybody, url):
    page = anybody.get(url)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
    assert "script" not in policy
    assert not [tag for tag, _ in Markup(page.text).tags if tag in ("script", "form", "iframe")]
    assert (page.headers["Cache-Control"], page.headers["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert 'http-equiv="refresh" content="15"' in page.text
    assert "Set-Cookie" not in page.headers


def test_its_colors_are_chosen_in_its_address(anybody, url):
    assert 'data-theme="dark"' in anybody.get(f"{url}?theme=dark").text
    assert "data-theme" not in anybody.get(f"{url}?theme={NASTY}").text


def test_an_address_that_is_renewed_or_taken_away_leads_nowhere(anybody, client, url):
    newer = path_of(client.post("/api/status-page"))
    assert newer != url
    assert path_of(client.get("/api/status-page")) == newer
    assert [anybody.get(path).status_code for path in (url, newer, "/status/x", "/status/%00")] == [404, 200, 404, 404]
    assert client.ask("DELETE", "/api/status-page").status_code == 204
    assert anybody.get(newer).status_code == 404
    assert client.get("/api/status-page").json == {"data": {"url": None}}
    assert errors_of(client.ask("DELETE", "/api/status-page"), 404) == {}


def test_an_account_shows_its_own_alone(anybody, url, account):
    bob = type(account).create(name="bob", created_at=0)
    create_schedule(bob, {"name": "of bob"})
    assert "of bob" not in anybody.get(url).text
    assert status_pages.token_of(bob.id) is None


def test_only_so_many_schedules_are_counted(anybody, url, account, monkeypatch):
    monkeypatch.setattr(status_pages, "AT_MOST", 2)
    for number in range(3):
        create_schedule(account, {"name": f"job {number}"})
    run_ticker()
    text = anybody.get(url).text
    assert "Counted are 2 of 3 schedules" in text
    assert "and 1 more" in text


def test_the_page_of_alerts_makes_and_removes_it(alice, bob):
    assert alice.send("/alerts/status-page").location == "/alerts?note=saved"
    token = status_pages.token_of(alice.account.id)
    assert f'href="/status/{token}"' in alice.get("/alerts").text
    assert token not in bob.get("/alerts").text
    assert alice.send("/alerts/status-page/remove").location == "/alerts?note=deleted"
    assert status_pages.token_of(alice.account.id) is None
