"""What is done with a form before it is sent: its commands, when its retries come, and a test of its request."""

import ast
import html
import json
import re
import shlex

import pytest

from api.dashboard.forms.snippets import OPTIONS, command_line, curl, python, snippets
from booper_client.cli.commands import run_command
from models.jobs.job_tables import Job
from models.schedules.schedule_tables import Schedule
from tests.support.rows import all_rows

URL = "https://example.com/hook"
FORM = {"method": "POST", "url": URL, "when": "cron", "cron": "0 9 * * *", "body": '{"a": 1}', "max_attempts": "7"}
HOSTILE = 'it\'s $(id) `id` "x" \\ \u202eevil\n</pre><script>'


def shown(text):
    """By its heading, each snippet of the answer."""
    return {
        name: html.unescape(code) for name, code in re.findall(r"<h3>(.*?)</h3><pre[^>]*>(.*?)</pre>", text, re.DOTALL)
    }


def test_the_commands_of_a_form_make_what_the_form_would(alice):
    before = all_rows()

    text = alice.send("/jobs/new/commands", **FORM).text

    texts = shown(text)
    expected = {"method": "POST", "url": URL, "cron": "0 9 * * *", "max_attempts": 7, "body": {"a": 1}}
    assert json.loads(texts["JSON"]) == expected
    assert json.loads(shlex.split(texts["curl"])[-1]) == expected
    assert texts["Command line"] == (f"booper run post {URL} --cron '0 9 * * *' --max-attempts 7 --json '{{\"a\": 1}}'")
    assert "client.schedules.create(" in texts["Python"]
    assert all_rows() == before
    assert "<script>" not in alice.send("/jobs/new/commands", **{**FORM, "name": HOSTILE}).text


def test_a_form_that_is_not_valid_has_no_commands_yet(alice):
    text = alice.send("/jobs/new/commands", **{**FORM, "url": ""}).text
    assert ("<pre" in text, "url must be" in text) == (False, True)


def test_what_is_typed_is_a_value_in_every_command():
    fields = {"url": URL, "name": HOSTILE, "headers": {"X": HOSTILE}, "labels": [HOSTILE], "body": {HOSTILE: HOSTILE}}

    assert json.loads(shlex.split(curl(fields, "http://b"))[-1]) == fields
    call = ast.parse(python(fields)).body[1].body[0].value
    read = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    assert {"url": ast.literal_eval(call.args[0]), **read} == fields
    for snippet in snippets(fields, "http://b")[:3]:
        assert all(" " <= char <= "~" or char == "\n" for char in snippet.text), snippet.label
    assert "\n" not in command_line(fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"schedule_in": [90, "seconds"]}, ["--in", "90 seconds"]),
        ({"repeat_every": [1.5, "hours"]}, ["--every", "1.5 hours"]),
        ({"flow": {"key": "a b", "rate": 5, "per": "1m"}}, ["--flow", "a b", "--rate", "5/1m"]),
        ({"flow": {"key": "a", "concurrency": 2}}, ["--flow", "a", "--concurrency", "2"]),
        ({"lane": "l", "labels": ["x", "y"]}, ["--lane", "l", "--label", "x", "--label", "y"]),
        ({"headers": {"X-A": "1"}}, ["-H", "X-A: 1"]),
    ],
)
def test_the_command_line_says_each_field_by_its_option(fields, words):
    assert shlex.split(command_line({"url": URL, **fields})) == ["booper", "run", "get", URL, *words]


def test_the_command_line_has_each_option_that_a_command_shows():
    fields = {"flow": {"key": "a", "rate": 1, "concurrency": 1}, "lane": "l", "labels": ["x"], "headers": {"X-A": "1"}}
    words = shlex.split(command_line({"url": URL, **dict.fromkeys(OPTIONS, "x"), **fields, "body": {}}))
    known = {name for parameter in run_command.command.params for name in parameter.opts}

    shown = {word for word in words if word.startswith("-")}

    assert len(shown) >= len(OPTIONS) + 7
    assert shown - known == set()


def test_a_field_that_the_command_line_has_no_option_for_is_named():
    assert command_line({"url": URL, "backoff": [1], "dedup": True}) == "# booper run has no option for: backoff, dedup"


def test_a_test_sends_the_request_once_and_now_and_creates_no_schedule(alice):
    more = '{"max_age": "2d", "disable_after_failures": 5, "backoff": [1, 2]}'
    answer = alice.send("/jobs/test", **{**FORM, "until": "2096-01-01T00:00:00Z", "overlap": "skip", "more": more})

    assert answer.status_code == 303, answer.text
    job = Job.get()
    assert answer.location == f"/jobs/{job.uuid}?note=tested"
    assert (job.max_attempts, job.state, bytes(job.body), Schedule.select().count()) == (1, "available", b'{"a": 1}', 0)
    assert json.loads(job.args)["max_age"] == "2d"


def test_a_test_of_a_form_that_is_not_valid_sends_nothing(alice):
    answer = alice.send("/jobs/test", **{**FORM, "url": "ftp://x"})
    assert (answer.status_code, Job.select().count(), 'id="url-problem"' in answer.text) == (422, 0, True)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (
            "backoff=10s,+1m&max_attempts=4",
            "after 10 s, 1 min, 1 min. The job is given up after 4",
        ),
        ("backoff=&max_attempts=", "after 17 s, 19 s, 24 s"),
        ("max_attempts=1", "One attempt: it is not tried again."),
        ("backoff=soon", "must be a number of seconds"),
        ("max_attempts=many", "must be"),
    ],
)
def test_the_form_says_when_the_retries_come(alice, query, text):
    assert text in alice.get(f"/jobs/preview/retries?{query}").text


def test_delays_have_a_field_and_come_back(alice):
    answer = alice.send("/jobs/new", method="POST", url=URL, when="now", backoff="10s, 60, 1.5")
    page = alice.get(f"/jobs/new?from={answer.location.split('/jobs/')[1].split('?')[0]}").text
    assert json.loads(Job.get().args)["backoff"] == ["10s", 60, 1.5]
    assert 'name="backoff" value="10s, 60, 1.5"' in page


def test_a_backoff_that_is_no_list_stays_among_the_other_fields(alice):
    answer = alice.send("/jobs/new", method="POST", url=URL, when="now", more='{"backoff": {"fixed": 60}}')
    page = alice.get(f"/jobs/new?from={answer.location.split('/jobs/')[1].split('?')[0]}").text
    assert 'name="backoff" value=""' in page
    assert "{&#34;backoff&#34;: {&#34;fixed&#34;: 60}}" in page
