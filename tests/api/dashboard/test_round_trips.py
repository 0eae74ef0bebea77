"""Forms that are filled in from something old and sent as they are: nothing of it may change on the way."""

import html
import json
import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from models.accounts.target_groups import MAX_TARGETS
from models.flows import gates
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.limits import FLOW, LANE
from models.schedules.calendars.calendar_store import MAX_DAYS
from models.schedules.schedule_tables import Schedule
from tests.support.browsers import submit_schedule
from tests.support.rows import all_rows

URL = "https://example.com/hook"
POLICIES = {
    "overlap": "allow",
    "misfire": "all",
    "catch_up_seconds": 120,
    "jitter_seconds": 5,
    "disable_after_failures": 7,
}


class Filled(HTMLParser):
    """The form of an order as a browser would send it: no first line break of a field of lines, CRLF between lines."""

    def __init__(self, text):
        super().__init__()
        self.fields, self._named, self._options = {}, None, None
        self.feed(text[text.index("data-preview") :])

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "textarea":
            self._named = attributes["name"]
            self.fields[self._named] = ""
        elif tag == "select":
            self._options = attributes["name"]
        elif tag == "option" and "selected" in attributes:
            self._named = self._options
            self.fields[self._named] = ""
        elif tag == "input" and (attributes.get("type") not in ("radio", "checkbox") or "checked" in attributes):
            self.fields[attributes["name"]] = attributes.get("value", "").replace("\n", "").replace("\r", "")

    def handle_data(self, data):
        if self._named:
            self.fields[self._named] += data

    def handle_endtag(self, tag):
        if tag == "textarea":
            text = self.fields[self._named].replace("\r\n", "\n").replace("\r", "\n")
            self.fields[self._named] = text.removeprefix("\n").replace("\n", "\r\n")
        self._named = None


def ordered(browser, **fields):
    authorization = {"Authorization": f"Bearer {browser.secret}", "Content-Type": "application/json"}
    body = fields.pop("body", "null")
    text = json.dumps({"method": "post", "url": URL, "schedule_in": 60, **fields})
    answer = browser.client.post("/api/jobs", data=f'{text[:-1]}, "body": {body}}}', headers=authorization)
    assert answer.status_code == 201, answer.text
    return answer.json["data"]["id"]


def sent_again(browser, key, **changes):
    form = Filled(browser.get(f"/jobs/new?from={key}").text).fields
    answer = browser.client.post("/jobs/new", data={**form, **changes})
    assert answer.status_code == 303, answer.text
    return Job.get(Job.uuid == answer.location.split("/jobs/")[1].split("?")[0])


@pytest.mark.parametrize(
    "body",
    ['{"a":\n 1}', '{"a":\r\n 1.50}', '"\\nfirst"', '"a\\r\\nb"', '"a\\rb"', '" "', '""', '"\\r\\n{}"', "[1]", "null"],
)
def test_edit_and_run_again_keeps_the_bytes_of_a_body_left_alone(alice, body):
    key = ordered(alice, body=body)
    old, new = Job.get(Job.uuid == key), sent_again(alice, key)
    assert (old.body, old.content_type) == (new.body, new.content_type)


def test_edit_and_run_again_sends_the_body_that_was_typed(alice):
    key = ordered(alice, body='"a\\r\\nb"')
    assert bytes(sent_again(alice, key, body="a\r\nc").body) == b"a\nc"
    assert sent_again(alice, key, body="").body is None
    assert bytes(sent_again(alice, key, body='{"a":\r\n1}', body_type="json").body) == b'{"a":\n1}'


def test_another_accounts_job_can_not_be_edited_and_run_again(alice, bob):
    """Edit and run again of another account's job is not to be had."""
    key = ordered(alice, body='"secret"')
    form = {"csrf": bob.token(), "from": key, "method": "POST", "url": URL, "body": "secret", "body_type": "text"}
    assert bob.client.post("/jobs/new", data=form).status_code == 404


def test_headers_and_description_come_back_as_they_were(alice):
    headers, description = {"X-A": "a\x85b", "X-B": "\xa0", "X-C": "", "X-D": "a: b"}, "one\ntwo"
    new = sent_again(alice, ordered(alice, headers=headers, description=description))
    assert json.loads(new.args)["headers"] == headers
    assert new.description == description


def edited(browser, schedule, **changes):
    form = Filled(browser.get(f"/schedules/{schedule.id}/edit").text).fields
    assert browser.client.post(f"/schedules/{schedule.id}/edit", data={**form, **changes}).status_code == 303
    return Schedule.get_by_id(schedule.id)


def test_an_edited_schedule_keeps_the_policies_that_were_left_alone(alice, moved_clock):
    old = submit_schedule(alice, more=json.dumps(POLICIES))
    moved_clock.advance(seconds=1)
    new = edited(alice, old, name="renamed")
    assert new.name == "renamed"
    for column in ("overlap", "misfire", "catch_up_us", "offset_us", "disable_after", "frequency", "next_at"):
        assert getattr(new, column) == getattr(old, column), column


@pytest.mark.parametrize("every", [1_234_567, 86_461.5, [1.5, "hour"], [1, "minute"]])
def test_an_edited_schedule_keeps_its_interval_and_its_next_instant(alice, moved_clock, every):
    authorization = {"Authorization": f"Bearer {alice.secret}"}
    order = {"url": URL, "repeat_every": every, "scheduled_at": "2026-03-01T00:00:00Z"}
    answer = alice.client.post("/api/schedules", json=order, headers=authorization)
    old = Schedule.get_by_id(answer.json["data"]["id"])
    moved_clock.advance(seconds=1)
    new = edited(alice, old, name="renamed")
    assert (new.name, new.frequency, new.next_at) == ("renamed", old.frequency, old.next_at)

    again = edited(alice, old, every="90", every_unit="seconds")
    assert json.loads(again.frequency) == {"repeat_every": [90, "seconds"]}
    assert again.next_at >= clock.now()


@pytest.mark.parametrize("name", ["name", "description", "body", "url", "headers", "cron", "timezone"])
def test_a_nul_is_told_by_its_field_and_not_stored(alice, name):
    form = {"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *", "body_type": "text"}
    schedule = submit_schedule(alice)
    for path in ("/jobs/new", f"/schedules/{schedule.id}/edit"):
        answer = alice.send(path, **form | {name: "a\0b"})
        assert answer.status_code == 422, path
        assert 'class="problem"' in answer.text
    assert Schedule.select().count() == 1


GATES = {
    "all that a flow and a lane may say": (
        {"key": "shop-42", "rate": 10, "per": "1m", "concurrency": 3},
        {"key": "user-42", "on_failure": "stop"},
    ),
    "keys alone": ({"key": "shop-42"}, "user-42"),
    "what is the default": ({"key": "shop-42", "rate": 1, "per": 60}, {"key": "user-42", "on_failure": "go_on"}),
    "a pair and spaces, which have no field of their own": ({"key": " a ", "rate": 1, "per": [1, "hour"]}, " b "),
}


@pytest.mark.parametrize("written", GATES)
def test_the_flow_and_the_lane_of_an_old_job_come_back(alice, written):
    flow, lane = GATES[written]
    old = ordered(alice, flow=flow, lane=lane)

    filled = Filled(alice.get(f"/jobs/new?from={old}").text).fields
    answer = alice.send("/jobs/new", **filled)

    assert answer.status_code == 303, answer.text
    again = json.loads(Job.select().order_by(Job.id.desc()).get().args)
    assert (again["flow"], again["lane"]) == (flow, lane)


def test_a_job_of_the_form_joins_its_flow_and_its_lane(alice):
    fields = {"method": "POST", "url": URL, "when": "now", "flow_key": "shop-42", "flow_rate": "10", "flow_per": "1m"}
    alice.send("/jobs/new", **fields, lane_key="user-42", lane_stops="on")

    job = Job.get()
    flow, lane = gates.find(alice.account.id, FLOW, "shop-42"), gates.find(alice.account.id, LANE, "user-42")
    assert (job.flow_id, job.lane_id) == (flow.id, lane.id)
    assert (flow.rate, flow.per_us, flow.concurrency, lane.stops) == (10, clock.MINUTE, None, 1)
    page = alice.get(f"/jobs/{job.uuid}").text
    assert ('href="/flows/one?key=shop-42"' in page, 'href="/lanes?text=user-42"' in page) == (True, True)


def test_a_flow_that_the_form_cant_take_says_why_beside_its_fields(alice):
    fields = {"method": "POST", "url": URL, "when": "now", "flow_rate": "many", "flow_per": "1m"}
    answer = alice.send("/jobs/new", **fields)

    assert (answer.status_code, Job.select().count()) == (422, 0)
    assert "must be a string of 1 to 128 printable characters" in answer.text


def test_a_job_of_the_form_without_a_flow_has_none(alice):
    alice.send("/jobs/new", method="POST", url=URL, when="now", flow_key="", lane_key="")

    assert (Job.get().flow_id, Job.get().lane_id) == (None, None)


LONGEST = {
    "/calendars": ("days", lambda: "\n".join(str(date(2026, 1, 1) + timedelta(2 * n)) for n in range(MAX_DAYS))),
    "/groups": ("targets", lambda: json.dumps([{"name": f"t{n}", "url": f"{URL}/{n}"} for n in range(MAX_TARGETS)])),
}


@pytest.mark.parametrize("path", LONGEST)
def test_the_longest_list_that_a_form_takes_comes_back_whole(alice, moved_clock, path):
    name, lines = LONGEST[path]
    alice.send(path, name="longest", **{name: lines()})
    before = all_rows()

    shown = re.search(rf'<textarea[^>]* name="{name}"[^>]*>(.*?)</textarea>', alice.get(f"{path}/longest").text, re.S)
    answer = alice.send(f"{path}/longest", **{name: html.unescape(shown[1])})

    assert answer.status_code == 303
    assert all_rows() == before
