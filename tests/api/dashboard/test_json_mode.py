"""The two modes of the job form: a field for each option, or one text that holds the whole request."""

import html
import json
import re

import pytest

from models.accounts import target_groups
from models.accounts.target_groups import Target
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules.schedule_tables import Schedule
from tests.support.browsers import Markup, submit_schedule
from tests.support.rows import all_rows, make_job

URL = "https://example.com/hook"
FIELDS = {
    **{"method": "PUT", "url": URL, "name": "bill", "labels": "a, b", "max_attempts": "3", "backoff": "10s, 60"},
    **{"headers": "X-Shop: 12", "body": '{"a": 1}', "webhook_url": "https://example.com/events", "flow_key": "shop"},
    **{"when": "every", "every": "5", "every_unit": "minutes", "more": '{"max_age": "2d"}'},
}
MEMBERS = {
    **{"method": "PUT", "url": URL, "name": "bill", "labels": ["a", "b"], "max_attempts": 3, "backoff": ["10s", 60]},
    **{"headers": {"X-Shop": "12"}, "body": {"a": 1}, "webhook_url": "https://example.com/events"},
    **{"flow": {"key": "shop"}, "repeat_every": [5, "minutes"], "max_age": "2d"},
}


def text_in(page):
    """What the text of the JSON mode holds."""
    return html.unescape(re.search(r'<textarea name="json"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)[1])


def fields_in(page):
    """What the fields of the form hold, as a browser would send them."""
    fields = {}
    for tag, attributes in Markup(page.split('class="stack"')[1]).tags:
        name, kind = attributes.get("name"), attributes.get("type")
        if tag == "input" and name and (kind not in ("radio", "checkbox") or "checked" in attributes):
            fields[name] = attributes.get("value", "on")
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL):
        fields[name] = html.unescape(text)
    for name, options in re.findall(r'<select name="(\w+)"[^>]*>(.*?)</select>', page):
        chosen = re.search(r"<option[^>]*selected>([^<]*)", options)
        fields[name] = chosen[1] if chosen else ""
    return {name: text for name, text in fields.items() if text and name != "csrf"}


def create(browser, members, **fields):
    return browser.send("/jobs/new", mode="json", json=json.dumps(members), **fields)


def test_what_is_typed_into_fields_is_kept_as_json_and_creates_nothing(alice):
    before = all_rows()
    page = alice.send("/jobs/new/mode", **FIELDS)

    assert (page.status_code, json.loads(text_in(page.text))) == (200, MEMBERS)
    assert all_rows() == before


def test_what_is_typed_as_json_is_kept_in_fields(alice):
    page = alice.send("/jobs/new/mode", mode="json", json=json.dumps(MEMBERS)).text

    back = alice.send("/jobs/new/mode", **fields_in(page)).text

    assert json.loads(text_in(back)) == MEMBERS


@pytest.mark.parametrize(
    "times",
    [
        *({"schedule_in": value} for value in ([2, "hours"], 90, "90s")),
        *({"repeat_every": value} for value in ([1, "hour"], "5m")),
        {"cron": "0 9 * * *", "timezone": "Europe/Berlin"},
        {"scheduled_at": "2026-01-02T09:00:00+02:00"},
        {},
    ],
)
def test_the_time_of_a_request_survives_both_modes(alice, moved_clock, times):
    page = alice.send("/jobs/new/mode", mode="json", json=json.dumps({"url": URL, **times})).text
    back = json.loads(text_in(alice.send("/jobs/new/mode", **fields_in(page)).text))

    if "schedule_in" in times and times["schedule_in"] == 90:
        times = {"schedule_in": [90, "seconds"]}
    if times.get("repeat_every") == [1, "hour"]:
        times = {"repeat_every": [1, "hours"]}
    assert {name: back[name] for name in back if name not in ("url", "method")} == times


def as_browsers_send(fields):
    """Every line end as CRLF, also a lone CR."""
    return {name: re.sub(r"\r\n|\r|\n", "\r\n", text) for name, text in fields.items()}


@pytest.mark.parametrize("body", ["", " ", "a\r\nb", "a\nb", "a\rb\n", "\n", "text", {"a": "b\r\n"}, [], 0, None])
def test_a_body_survives_both_modes(alice, body):
    page = alice.send("/jobs/new/mode", mode="json", json=json.dumps({"url": URL, "body": body})).text
    back = alice.send("/jobs/new/mode", **as_browsers_send(fields_in(page)))

    assert json.loads(text_in(back.text)).get("body") == body
    assert ("body" in json.loads(text_in(back.text))) is (body is not None)


@pytest.mark.parametrize("name", ["name", "description"])
@pytest.mark.parametrize("text", ["", " a", "a\r\nb", "a\nb"])
def test_a_text_survives_both_modes(alice, name, text):
    page = alice.send("/jobs/new/mode", mode="json", json=json.dumps({"url": URL, name: text}))
    if page.status_code == 422:  # such as a name of two lines
        return
    back = alice.send("/jobs/new/mode", **as_browsers_send(fields_in(page.text)))
    assert json.loads(text_in(back.text))[name] == text


@pytest.mark.parametrize("body", ["", "a\r\nb"])
def test_the_body_of_an_old_job_is_changed_in_json_and_survives_both_modes(alice, body):
    old = make_job(alice.account, body=b"", content_type="text/plain; charset=utf-8")
    page = alice.send("/jobs/new/mode", mode="json", json=json.dumps({"url": URL, "body": body}), **{"from": old.uuid})
    back = alice.send("/jobs/new/mode", **as_browsers_send(fields_in(page.text)))
    assert json.loads(text_in(back.text))["body"] == body


def test_the_line_ends_of_a_browser_are_no_part_of_a_body(alice):
    text = f'{{"url": "{URL}",\r\n "body": {{\r\n  "a": 1}}}}'
    alice.send("/jobs/new", mode="json", json=text)
    assert bytes(Job.get().body) == b'{\n  "a": 1}'


def test_what_is_filled_in_is_not_given_again_among_the_other_fields(alice):
    answer = alice.send("/jobs/new", method="POST", url=URL, body="1", body_type="json", more='{"body": 2}')
    assert answer.status_code == 422
    assert "must leave out what is filled in above, got body" in answer.text


def test_a_job_and_a_schedule_are_created_from_json(alice):
    assert create(alice, {"url": URL, "name": "once"}).location.startswith("/jobs/")
    assert create(alice, {"url": URL, "cron": "0 9 * * *"}).location.startswith("/schedules/")
    assert [job.name for job in Job.select().where(Job.schedule_id.is_null())] == ["once"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "must be JSON, got something else"),
        ("[]", "must be a JSON object, got a list"),
        ('{"url": "https://a.example/", "url": "https://b.example/"}', "url: must be given once"),
        ('{"url": "x", "max_attempts": 0}', "max_attempts: must be a whole number from 1 to 100"),
        ('{"url": "https://a.example/", "flow": {"rate": 1}}', "flow."),
        ('{"url": "https://a.example/", "name": "\\u0000"}', "must be text without NUL"),
        ('{"url": "https://a.example/", "maxattempts": 1}', "unknown field"),
        ("", "must be JSON"),
    ],
)
@pytest.mark.parametrize("path", ["/jobs/new", "/jobs/new/mode"])
def test_what_is_wrong_with_json_stands_beside_it_and_the_text_stays(alice, path, text, problem):
    answer = alice.send(path, mode="json", json=text)

    assert answer.status_code == 422
    assert problem in html.unescape(re.search(r'id="json-problem">(.*?)</ul>', answer.text)[1])
    assert text_in(answer.text) == text
    assert Job.select().count() == 0


def test_fields_that_cant_be_read_stay_fields(alice):
    answer = alice.send("/jobs/new/mode", **FIELDS | {"body": "{nope"})
    assert (answer.status_code, "mode" in fields_in(answer.text)) == (422, False)
    assert fields_in(answer.text)["body"] == "{nope"
    assert "body-problem" in answer.text


def test_a_group_stays_json(alice):
    answer = alice.send("/jobs/new/mode", mode="json", json='{"group": "shops"}')
    assert answer.status_code == 422
    assert text_in(answer.text) == '{"group": "shops"}'


def test_a_schedule_is_edited_as_json(alice, bob):
    made = submit_schedule(alice, name="old", body='{"a":   1}')
    page = alice.send(f"/schedules/{made.id}/edit/mode", **fields_in(alice.get(f"/schedules/{made.id}/edit").text)).text
    members = json.loads(text_in(page)) | {"name": "new"}

    answer = alice.send(f"/schedules/{made.id}/edit", mode="json", json=json.dumps(members))

    assert answer.status_code == 303
    changed = Schedule.get(Schedule.id == made.id)
    assert (changed.name, bytes(changed.body)) == ("new", b'{"a":   1}')
    assert bob.send(f"/schedules/{made.id}/edit/mode", **FIELDS).status_code == 404


def test_a_body_that_is_not_edited_keeps_its_bytes(alice):
    old = make_job(alice.account, body=b'{"a":   1}', content_type="application/json")
    create(alice, {"url": URL, "body": {"a": 1}}, **{"from": str(old.uuid)})
    create(alice, {"url": URL, "body": {"a": 2}}, **{"from": str(old.uuid)})
    assert [bytes(job.body) for job in Job.select().where(Job.id != old.id).order_by(Job.id)] == [
        b'{"a":   1}',
        b'{"a": 2}',
    ]


def test_a_test_of_json_is_sent_once_and_now(alice):
    answer = alice.send("/jobs/test", mode="json", json=json.dumps(MEMBERS))
    assert answer.status_code == 303
    job = Job.get()
    assert (job.schedule_id, job.max_attempts, job.name) == (None, 1, "bill")


def test_commands_of_json_are_shown(alice):
    assert "curl -X POST" in alice.send("/jobs/new/commands", mode="json", json=json.dumps(MEMBERS)).text


def test_the_form_has_a_field_for_the_webhook(alice):
    answer = alice.send("/jobs/new", method="POST", url=URL, when="now", webhook_url="https://example.com/events")
    assert json.loads(Job.get().args)["webhook_url"] == "https://example.com/events"
    page = alice.get(f"/jobs/new?from={answer.location.split('/jobs/')[1].split('?')[0]}").text
    assert fields_in(page)["webhook_url"] == "https://example.com/events"
    refused = alice.send("/jobs/new", method="POST", url=URL, when="now", webhook_url="nowhere")
    assert (refused.status_code, "webhook_url-problem" in refused.text) == (422, True)


def make_group(browser, name="shops"):
    targets = [Target("a", "https://a.example/", {}), Target("b", "https://b.example/", {})]
    target_groups.put(browser.account.id, name, targets, clock.now())


@pytest.mark.parametrize("more", [{}, {"cron": "0 9 * * *"}])
def test_a_group_that_there_is_not_is_refused(alice, more):
    for path in ("/jobs/new", *(() if more else ("/jobs/test",))):
        answer = alice.send(path, mode="json", json=json.dumps({"group": "none", **more}))
        assert (answer.status_code, "must be the name of a group" in answer.text) == (422, True)
    assert (Job.select().count(), Schedule.select().count()) == (0, 0)


def test_a_group_gets_a_job_for_each_target(alice):
    make_group(alice)
    answer = create(alice, {"group": "shops"})
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/jobs")
    assert [json.loads(job.args)["url"] for job in Job.select().order_by(Job.id)] == [
        "https://a.example/",
        "https://b.example/",
    ]


def test_a_schedule_of_a_group_is_edited_as_json_and_stays_as_it_is(alice):
    make_group(alice)
    create(alice, {"group": "shops", "cron": "0 9 * * *", "timezone": "Europe/Vienna"})
    made = Schedule.get()
    page = alice.get(f"/schedules/{made.id}/edit").text
    assert json.loads(text_in(page))["group"] == "shops"

    assert alice.send(f"/schedules/{made.id}/edit", mode="json", json=text_in(page)).status_code == 303
    after = Schedule.get()
    assert (json.loads(after.args), after.frequency) == (json.loads(made.args), made.frequency)
    renamed = alice.send(f"/schedules/{made.id}/edit", mode="json", json=text_in(page).replace("shops", "none"))
    assert renamed.status_code == 422


def test_the_commands_of_a_group_are_shown(alice):
    text = alice.send("/jobs/new/commands", mode="json", json='{"group": "shops"}').text
    assert "client.jobs.create_for_group(" in html.unescape(text)
    assert alice.send("/jobs/new/commands", mode="json", json='{"group": "a", "cron": "@daily"}').status_code == 200


@pytest.mark.parametrize(("old", "new"), [("1", "true"), ("0", "false"), ("1", "1.0")])
def test_a_body_that_is_equal_to_python_alone_is_an_edit(alice, old, new):
    job = make_job(alice.account, body=f'{{"a":{old}}}'.encode(), content_type="application/json")
    alice.send("/jobs/new", mode="json", json=f'{{"url": "{URL}", "body": {{"a":{new}}}}}', **{"from": str(job.uuid)})
    assert bytes(Job.get(Job.id != job.id).body) == f'{{"a":{new}}}'.encode()


def test_the_body_keeps_its_bytes_in_both_modes_and_in_a_test(alice):
    body = '{"a":1,"p":1.10,"q":0.12345678901234567890123,"e":1e2}'
    page = alice.send("/jobs/new/mode", **{**FIELDS, "body": body}).text
    alice.send("/jobs/test", mode="json", json=text_in(page))
    assert (body in text_in(page), bytes(Job.get().body).decode()) == (True, body)


def test_a_test_refuses_what_would_not_be_created(alice):
    twice = '{"url": "https://a.example/", "url": "https://b.example/"}'
    for path in ("/jobs/new", "/jobs/test"):
        assert "must be given once" in alice.send(path, mode="json", json=twice).text
    assert Job.select().count() == 0


def test_json_that_is_nested_too_deep_is_told_so(alice):
    deep = "[" * 900 + "]" * 900
    answer = alice.send("/jobs/new", mode="json", json=f'{{"url": "{URL}", "body": {deep}}}')
    assert (answer.status_code, "nested" in answer.text) == (422, True)
