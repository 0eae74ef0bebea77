"""POST /api/jobs as a form: names in brackets make objects and lists."""

import pytest

from api.requests import forms
from api.requests.job_fields import JobFields
from tests.support.api_client import FORM, URL, errors_of, one_database


def post(client, text):
    return client.post("/api/jobs", data=text, content_type=FORM)


def test_a_form_creates_a_job(client, moved_clock):
    text = f"url={URL}&method=POST&schedule_in[]=30&schedule_in[]=seconds&body[content]=hi+there&body[tags][]=%C3%A9"
    job = post(client, text + "&timeout=2.5&max_attempts=3&headers[X-One]=1&name=n").json["data"]

    assert job["args"] == {
        "url": URL,
        "method": "post",
        "schedule_in": [30, "seconds"],
        "body": {"content": "hi there", "tags": ["é"]},
        "timeout": 2.5,
        "max_attempts": 3,
        "headers": {"X-One": "1"},
        "name": "n",
    }
    assert job["job"]["scheduled_at"] == "2026-01-01T09:00:30.000000Z"


@pytest.mark.parametrize(
    ("text", "scheduled_at"),
    [
        ("schedule_in=90", "2026-01-01T09:01:30.000000Z"),
        ("scheduled_at=1767258001", "2026-01-01T09:00:01.000000Z"),
        ("scheduled_at=2026-01-01T09:00:05%2B00:00", "2026-01-01T09:00:05.000000Z"),
    ],
)
def test_times_in_a_form_are_read_as_numbers_or_dates(client, moved_clock, text, scheduled_at):
    assert post(client, f"url={URL}&{text}").json["data"]["job"]["scheduled_at"] == scheduled_at


def test_a_form_sets_every_field_that_is_a_number(client, moved_clock):
    numbers = {
        name for name, field in JobFields().fields.items() if field.metadata.get("type") in ("integer", "number")
    }
    whole = "timeout=2&max_attempts=3&catch_up_seconds=60&jitter_seconds=5&disable_after_failures=7&max_runs=9"

    answer = post(client, f"url={URL}&repeat_every=60&max_age[]=2&max_age[]=hours&{whole}")

    assert answer.status_code == 201, answer.text
    sent = answer.json["data"]["args"]
    assert (sent["repeat_every"], sent["max_age"], sent["timeout"]) == (60, [2, "hours"], 2)
    assert {name: sent[name] for name in numbers} == {
        **{"max_attempts": 3, "max_runs": 9},
        **{"catch_up_seconds": 60, "jitter_seconds": 5, "disable_after_failures": 7},
    }


def test_a_form_s_body_is_sent_as_text_or_json(client):
    assert post(client, f"url={URL}&body=plain").json["data"]["args"]["body"] == "plain"
    assert post(client, f"url={URL}&body[a]=1").json["data"]["args"]["body"] == {"a": "1"}


@one_database
def test_a_form_s_wrong_fields_are_reported_as_those_of_json(client):
    errors = errors_of(post(client, f"ulr={URL}&timeout=abc&cron=0+9+*+*&body[x]=%00"))
    assert errors == {"body.x": ["must be text without NUL and lone surrogates, got one"]}
    errors = errors_of(post(client, f"ulr={URL}&timeout=abc&cron=0+9+*+*"))
    assert set(errors) == {"ulr", "url", "timeout", "cron"}
    deep = "a" + "[b]" * 70
    assert list(errors_of(post(client, f"url={URL}&{deep}=1"))) == ["a" + ".b" * 63]


@one_database
@pytest.mark.parametrize(
    "text",
    [b"a=%zz", b"a=%", b"%=1", b"a=%ff", b"a=\xff", b"[a]=1", b"=1", b"a[=1", b"a]=1", b"a[b]c=1"]
    + [b"a=1&a=2", b"a=1&a[b]=2", b"a[b]=1&a=2", b"a[]=1&a[b]=2", b"a[b]=1&a[]=2", b"&".join([b"a[]=1"] * 1001)],
    ids=lambda text: str(text)[:30],
)
def test_what_is_no_form_is_400(client, text):
    assert errors_of(post(client, text), 400) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"", {}),
        (b"a", {"a": ""}),
        (b"a=&b=1", {"a": "", "b": "1"}),
        (b"a=1=2&&b=+%20", {"a": "1=2", "b": "  "}),
        (b"a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        (b"a[]=1&a[]=2", {"a": ["1", "2"]}),
        (b"a[][b]=1&a[][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
    ],
)
def test_brackets_make_objects_and_lists(text, value):
    assert forms.parse(text) == value
