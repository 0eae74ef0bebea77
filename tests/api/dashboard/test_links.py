"""The links of a thing's page name that thing, and a list that was searched stays so, whatever is pressed on it."""

import json
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest

from api.dashboard import gate_pages
from models.database.sql import execute
from models.flows import gates
from models.rules import clock
from models.rules.limits import FLOW, HOST, LANE
from tests.support.attempt_rows import attempted_job
from tests.support.browsers import Markup, submit_schedule
from tests.support.rows import make_job

LABEL, KEY, HOST_NAME = "a&b", "shop&ü", "a.example"


class Links(HTMLParser):
    """Where each link of the main part of a page leads, by its words."""

    def __init__(self, text):
        super().__init__()
        self.by_words, self._href, self._words = {}, None, ""
        self.feed(text.split('<main id="main"', 1)[1])

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self._href, self._words = dict(attributes)["href"], ""

    def handle_data(self, data):
        self._words += data

    def handle_endtag(self, tag):
        if tag == "a" and self._href is not None:
            url = urlsplit(self._href)
            self.by_words.setdefault(" ".join(self._words.split()), (url.path, dict(parse_qsl(url.query))))
            self._href = None


def links(browser, path):
    page = browser.get(path)
    assert page.status_code == 200, path
    return Links(page.text).by_words


@pytest.fixture
def schedule(alice):
    """One that names a calendar, beside another one."""
    alice.send("/calendars", name="holidays", days="2027-12-24")
    submit_schedule(alice, name="other")
    return submit_schedule(alice, name="nightly", calendars="holidays")


def test_the_links_of_a_schedule_are_its_own(alice, schedule):
    shown = links(alice, f"/schedules/{schedule.id}")

    assert shown["its jobs"] == ("/jobs", {"schedule": str(schedule.id)})
    assert shown["Edit"] == (f"/schedules/{schedule.id}/edit", {})
    assert shown["holidays"] == ("/calendars/holidays", {})
    assert links(alice, "/schedules")["nightly"][0] == f"/schedules/{schedule.id}"
    assert links(alice, "/calendars/holidays")["nightly"][0] == f"/schedules/{schedule.id}"
    assert links(alice, "/calendars")["holidays"][0] == "/calendars/holidays"


def test_the_links_of_a_job_are_its_own(alice, schedule):
    args = {"url": f"https://{HOST_NAME}/", "labels": [LABEL], "flow": {"key": KEY}, "lane": "l&1"}
    old = make_job(alice.account, "discarded", args=json.dumps(args), schedule_id=schedule.id, name="old")
    new = alice.send(f"/jobs/{old.uuid}/again").location.partition("?")[0]

    shown = links(alice, f"/jobs/{old.uuid}")

    assert shown["nightly"] == (f"/schedules/{schedule.id}", {})
    assert shown[LABEL] == ("/jobs", {"label": LABEL})
    assert shown[KEY] == ("/flows/one", {"key": KEY})
    assert shown["l&1"] == ("/lanes", {"text": "l&1"})
    assert shown["Edit and run again"] == ("/jobs/new", {"from": str(old.uuid)})
    assert shown["a new job"] == (new, {})
    assert links(alice, new)["an older job"] == (f"/jobs/{old.uuid}", {})
    listed = links(alice, "/jobs?state=discarded")
    assert listed[LABEL] == ("/jobs", {"label": LABEL})
    assert listed["GET old"] == (f"/jobs/{old.uuid}", {})


def test_the_links_of_a_flow_lead_to_its_jobs_in_the_state_that_they_count(alice):
    gates.ensure(alice.account.id, FLOW, KEY, clock.now())
    shown = links(alice, f"/flows/one?key={KEY.replace('&', '%26')}")

    assert shown["0 waiting here"] == ("/jobs", {"flow": KEY})
    assert shown["0 under way"] == ("/jobs", {"flow": KEY, "state": "executing"})
    assert links(alice, "/flows")[KEY] == ("/flows/one", {"key": KEY})


def test_the_links_of_a_host_lead_to_its_attempts_and_its_last_error(alice):
    job = attempted_job(alice.account, 60, "timeout", host=HOST_NAME)
    shown = links(alice, "/hosts")

    assert shown[HOST_NAME][1]["host"] == HOST_NAME
    [error] = [path for words, (path, _) in shown.items() if "timeout" in words or "time" in words]
    assert f"job <code>{job.id}</code>" in alice.get(error).text


def forms(text):
    """Of each form of a page: its method, where it leads, and what it sends without being seen."""
    all_forms = []
    for tag, fields in Markup(text.split('<main id="main"', 1)[1]).tags:
        if tag == "form":
            all_forms.append((fields.get("method", "get"), fields.get("action"), {}))
        elif tag == "input" and fields.get("type") == "hidden" and fields["name"] != "csrf":
            all_forms[-1][2][fields["name"]] = fields["value"]
    return all_forms


@pytest.mark.parametrize(("path", "kind"), [("/flows", FLOW), ("/lanes", LANE), ("/hosts", HOST)])
@pytest.mark.parametrize("is_paused", [False, True])
def test_what_is_pressed_on_a_list_of_gates_keeps_its_search(alice, path, kind, is_paused):
    for number in range(2):
        gates.ensure(alice.account.id, kind, f"{number}.{HOST_NAME}", clock.now())
    if is_paused:
        alice.send(f"{path}/pause", key=f"1.{HOST_NAME}")
    pressed = [
        (action, fields)
        for method, action, fields in forms(alice.get(f"{path}?text=1.a").text)
        if method == "post" and fields.get("key")
    ]
    assert [action for action, _ in pressed] == [f"{path}/{'resume' if is_paused else 'pause'}"]

    for action, fields in pressed:
        answer = alice.send(action, **fields)
        assert dict(parse_qsl(urlsplit(answer.location).query))["text"] == "1.a"


@pytest.mark.parametrize(
    ("path", "kind", "kept"),
    [
        ("/flows", FLOW, {"text": "a.e"}),
        ("/lanes", LANE, {"text": "a.e"}),
        ("/hosts", HOST, {"text": "a.e"}),
        ("/hosts", HOST, {"show": "failing"}),
        ("/hosts", HOST, {"show": "failing", "text": "a.e"}),
    ],
)
def test_further_pages_of_gates_and_the_link_back_keep_the_search(alice, monkeypatch, path, kind, kept):
    monkeypatch.setattr(gate_pages, "SHOWN", 1)
    for number in range(2):
        gates.ensure(alice.account.id, kind, f"{number}.{HOST_NAME}", clock.now())
    execute("UPDATE gate SET failures = 1", ())
    query = "&".join(f"{name}={value}" for name, value in kept.items())

    path_on, on = links(alice, f"{path}?{query}")["Older"]
    path_back, back = links(alice, f"{path}?{query}&cursor={on.pop('cursor')}")["Newest"]

    assert (path_on, on) == (path_back, back) == (path, kept)
