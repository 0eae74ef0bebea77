"""No request gets a 5xx, and every refusal has the one shape."""

import base64
import json
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.requests.job_fields import JobFields
from tests.support.api_client import FORM, URL, errors_of, one_database

few = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.text(st.characters(exclude_categories=[]), max_size=20)
numbers = st.integers() | st.integers(10**15, 10**40) | st.floats()
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
likely = {
    "url": st.sampled_from([URL, "http://[::1]:80/", "https://xn--a.example/", "https://ex ample/"])
    | st.builds("https://{}".format, texts),
    "method": st.sampled_from(["get", "POST", "ﬁ", "İ"]),
    "headers": st.dictionaries(texts, texts | scalars, max_size=4),
    "query": st.dictionaries(texts, values, max_size=3),
    "schedule_in": st.tuples(numbers, st.sampled_from(["seconds", "weeks", "x"])) | numbers,
    "scheduled_at": st.datetimes().map(str) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+Z-]*") | numbers,
    "idempotency_key": texts,
}
fields = {name: likely[name] | values if name in likely else values for name in JobFields().fields}
jobs = st.fixed_dictionaries({}, optional=fields)


def check_answer(answer):
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        errors = errors_of(answer, answer.status_code)
        assert all(
            " got " in message or "unknown field" in message or "not available" in message
            for messages in errors.values()
            for message in messages
        ), errors


@one_database
@few
@given(job=jobs)
@example(job={"url": URL, "scheduled_at": "0001-01-01T00:00:00+23:59"})
@example(job={"url": URL, "scheduled_at": "9999-12-31T23:59:59-23:59"})
@example(job={"url": URL, "scheduled_at": -1e308, "timeout": 10**400, "max_attempts": 1e308})
@example(job={"url": "https://" + "a" * 300_000})
@example(job={"url": URL, "headers": {"a" * 200_000: "b"}, "x" * 200_000: 1})
def test_any_job_is_stored_or_refused(client, job):
    answer = client.post("/api/jobs", data=json.dumps(job), content_type="application/json")
    check_answer(answer)
    if answer.status_code < 300:
        created = answer.json["data"]
        assert client.get(f"/api/jobs/{created['id']}").json["data"]["args"] == created["args"]


@one_database
@few
@given(items=st.lists(jobs | values, max_size=4), rest=st.dictionaries(texts, values, max_size=1))
def test_any_batch_is_taken_or_refused(client, items, rest):
    text = json.dumps({"jobs": items, **rest})
    answer = client.post("/api/jobs/batch", data=text, content_type="application/json")
    check_answer(answer)
    if answer.status_code < 300:
        assert len(answer.json["data"]) == len(items)
        assert all(item.get("error", {"status": 422})["status"] == 422 for item in answer.json["data"])


@few
@given(body=st.binary(max_size=80) | values.map(lambda value: json.dumps(value).encode()), data=st.data())
def test_any_bytes_are_read_or_refused(bare, body, data):
    at = data.draw(st.integers(0, len(body)))
    changed = body[:at] + data.draw(st.binary(max_size=2)) + body[at + 1 :]
    content_type = data.draw(st.sampled_from(["application/json", FORM, "text/plain"]) | texts.filter(str.isprintable))
    if not content_type.isascii():
        content_type = "application/json"
    check_answer(bare.post("/api/echo", data=changed, content_type=content_type))


@one_database
@few
@given(pairs=st.lists(st.tuples(st.from_regex(r"[a-z_]{1,12}(\[[a-z]?\]){0,3}", fullmatch=True) | texts, texts)))
def test_any_form_is_stored_or_refused(client, pairs):
    body = urlencode([("url", URL), *pairs], errors="replace")
    check_answer(client.post("/api/jobs", data=body, content_type=FORM))


names = st.sampled_from(
    ["limit", "offset", "order_by", "order_by[]", "state", "kind", "job_id", "event", "x", "cursor", "label", "host"]
    + ["text", "after", "before"]
)
some_values = st.sampled_from(["1", "asc", "inserted_at", "name,desc", '["job_id","asc"]', "[[", "9" * 25, "scheduled"])
cursors = st.tuples(st.just("inserted_at"), st.just("desc"), scalars, scalars)
some_values |= cursors.map(lambda parts: base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("="))


@one_database
@few
@given(
    path=st.sampled_from(["/api/jobs", "/api/logs"]), pairs=st.lists(st.tuples(names, some_values | texts), max_size=4)
)
def test_any_query_is_answered_or_refused(client, path, pairs):
    check_answer(client.get(f"{path}?{urlencode(pairs, errors='replace')}"))
    check_answer(
        client.get(f"{path}?" + "&".join(f"{name}={quote(value, errors='replace')[:-1]}" for name, value in pairs))
    )


@one_database
@few
@given(
    key=texts | st.integers().map(str) | st.uuids().map(str), rest=st.sampled_from(["", "/cancel", "/attempts", "/x"])
)
def test_any_id_is_404(client, key, rest):
    path = f"/api/jobs/{quote(key, safe='', errors='replace')}{rest}"
    for method in ("GET", "POST", "DELETE"):
        answer = client.ask(method, path)
        assert answer.status_code in (404, 405, 200 if path == "/api/jobs/" else 404), answer.text
        errors_of(answer, answer.status_code)


headers = st.dictionaries(
    st.sampled_from(["Authorization", "Idempotency-Key", "Content-Type", "X-Request-Id", "Host", "Content-Encoding"]),
    st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=30),
)


@one_database
@few
@given(given_headers=headers)
def test_any_header_is_taken_or_refused(client, given_headers):
    body = json.dumps({"url": URL}).encode()
    check_answer(client.post("/api/jobs", data=body, headers={"Content-Type": "application/json", **given_headers}))
