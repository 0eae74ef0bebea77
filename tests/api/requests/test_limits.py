"""The limits in docs/api.md: a value at a limit is accepted, the next one is refused by its field.

The numbers are read from the document, so that neither the document nor the code changes alone.
"""

import base64
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from api.requests import forms
from api.requests.options import policies
from models.jobs import records
from models.jobs.job_tables import Job
from models.rules import backoff, clock, times, url_rules
from models.schedules import firing_rows
from models.schedules.firing_rows import FiringRow
from models.webhooks import channels
from tests.support.api_client import FORM, URL, ApiClient, errors_of, one_database
from tests.support.documents import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text().replace("\n", " ")
KIB, DAY_S = 1024, 86_400
pytestmark = one_database


def documented(sentence):
    """The number that stands in place of {} in a sentence of the document."""
    pattern = re.escape(sentence).replace(re.escape("{}"), r"([\d,]+)")
    numbers = {int(number.replace(",", "")) for number in re.findall(pattern, TEXT)}
    assert len(numbers) == 1, f"docs/api.md has {numbers or 'no number'} in: {sentence}"
    return numbers.pop()


class Limit(NamedTuple):
    """A limit of POST /api/jobs. `sentence`: where the document has it, or the constant if it does not; `fields`: those
    of a job at a number; `unit`: what the number counts; `path`: of the error."""

    sentence: str | int
    fields: Callable[[int], dict[str, Any]]
    path: str
    unit: int = 1

    @property
    def number(self):
        return self.unit * (self.sentence if isinstance(self.sentence, int) else documented(self.sentence))


def texts(count):
    return [str(number) for number in range(count)]


def headers(size):
    """Headers of so many bytes together, none larger than one may be."""
    sizes = [8 * KIB] * (size // (8 * KIB)) + ([rest] if (rest := size % (8 * KIB)) else [])
    return {chr(65 + number): "v" * (size - 1) for number, size in enumerate(sizes)}


def daily(**fields):
    return {"cron": "@daily", **fields}


MAXIMA = [
    Limit("strings of at most {} and 4096 characters", lambda n: {"name": "x" * n}, "name"),
    Limit("strings of at most 255 and {} characters", lambda n: {"description": "x" * n}, "description"),
    Limit("| 1 to {} printable characters, see below", lambda n: {"idempotency_key": "k" * n}, "idempotency_key"),
    Limit(
        "seconds that one attempt may take, or a text (`90s`), 1 to {}, default", lambda n: {"timeout": n}, "timeout"
    ),
    Limit("| `max_attempts` | 1 to {}, default", lambda n: {"max_attempts": n}, "max_attempts"),
    Limit("at most {}, 8 KiB each", lambda n: {"headers": {f"X-{name}": "v" for name in texts(n)}}, "headers"),
    Limit("at most 50, {} KiB each", lambda n: {"headers": {"X": "v" * (n - 1)}}, "headers.X", KIB),
    Limit("8 KiB each, {} KiB together", lambda n: {"headers": headers(n)}, "headers", KIB),
    Limit("list of at most {} different strings", lambda n: {"labels": texts(n)}, "labels"),
    Limit("different strings of 1 to {} printable", lambda n: {"labels": ["x" * n]}, "labels"),
    Limit("| 60 to {}, default 3600", lambda n: daily(catch_up_seconds=n), "catch_up_seconds"),
    Limit("| 0 to {}, default 0: jobs", lambda n: daily(jitter_seconds=n), "jitter_seconds"),
    Limit(
        "| 1 to {}: this many discarded jobs in a row",
        lambda n: daily(disable_after_failures=n),
        "disable_after_failures",
    ),
    Limit(url_rules.MAX_URL_CHARS, lambda n: {"url": URL.ljust(n, "x")}, "url"),
    Limit(url_rules.MAX_URL_CHARS, lambda n: {"query": {"a": "x" * (n - len(URL) - 3)}}, "query"),
    Limit(policies.MAX_DELAYS, lambda n: {"backoff": [1] * n}, "backoff"),
    Limit(backoff.LONGEST_DELAY_S, lambda n: {"backoff": {"fixed": n}}, "backoff.fixed"),
    Limit(policies.MAX_HIDDEN, lambda n: {"redact": [f"x{name}" for name in texts(n)]}, "redact"),
]
MINIMA = [
    Limit("| {} to 255 printable characters, see below", lambda n: {"idempotency_key": "k" * n}, "idempotency_key"),
    Limit(
        "seconds that one attempt may take, or a text (`90s`), {} to 7200, default", lambda n: {"timeout": n}, "timeout"
    ),
    Limit("| `max_attempts` | {} to 100, default", lambda n: {"max_attempts": n}, "max_attempts"),
    Limit("different strings of {} to 50 printable", lambda n: {"labels": ["x" * n]}, "labels"),
    Limit("| {} to 604800, default 3600", lambda n: daily(catch_up_seconds=n), "catch_up_seconds"),
    Limit("| {} to 3600, default 0: jobs", lambda n: daily(jitter_seconds=n), "jitter_seconds"),
    Limit(
        "| {} to 1000: this many discarded jobs in a row",
        lambda n: daily(disable_after_failures=n),
        "disable_after_failures",
    ),
    Limit(1, lambda n: {"backoff": [1] * n}, "backoff"),
]


@pytest.mark.parametrize("limit", MAXIMA, ids=lambda limit: f"{limit.path} {limit.sentence}"[:60])
def test_a_job_at_a_limit_is_taken_and_one_beyond_it_is_not(client, limit):
    assert client.create(**{"url": URL, **limit.fields(limit.number)}).status_code == 201
    assert limit.path in errors_of(client.create(**{"url": URL, **limit.fields(limit.number + 1)}))


@pytest.mark.parametrize("limit", MINIMA, ids=lambda limit: f"{limit.path} {limit.sentence}"[:60])
def test_a_job_at_a_lower_limit_is_taken_and_one_below_it_is_not(client, limit):
    assert client.create(**limit.fields(limit.number)).status_code == 201
    assert limit.path in errors_of(client.create(**limit.fields(limit.number - 1)))


def test_a_key_in_the_header_is_as_long_as_one_in_the_field(client):
    maximum = documented("| 1 to {} printable characters, see below")
    for length, status in ((maximum, 201), (maximum + 1, 422), (1, 201), (0, 422)):
        answer = client.post(
            "/api/jobs", json={"url": URL, "name": str(length)}, headers={"Idempotency-Key": "k" * length}
        )
        assert answer.status_code == status, length


@pytest.mark.parametrize(
    "ahead",
    [
        lambda seconds, _: {"schedule_in": seconds},
        lambda seconds, now: {"scheduled_at": now + seconds},
        lambda seconds, _: {"max_age": seconds},
        lambda seconds, _: {"repeat_every": seconds},
    ],
)
def test_nothing_lies_further_ahead_than_the_horizon(client, settings, moved_clock, ahead):
    horizon_s, now_s = settings.horizon_days * DAY_S, moved_clock.now // 1_000_000
    (path,) = ahead(0, now_s)

    assert client.create(**ahead(horizon_s, now_s)).status_code == 201
    assert path in errors_of(client.create(**ahead(horizon_s + 1, now_s)))


def test_no_pause_ends_further_ahead_than_the_horizon(app, client, settings, moved_clock):
    rules = [rule.rule for rule in app.url_map.iter_rules() if re.fullmatch(r"/api/.*/?pause", rule.rule)]
    paths = sorted({re.sub("<[^>]+>", "a.example", rule) for rule in rules})
    assert [path.split("/")[2] for path in paths] == ["flows", "hosts", "lanes", "pause"]

    for path in paths:
        for beyond, status in ((0, 200), (1, 422)):
            until = moved_clock.now + settings.horizon_days * clock.DAY + beyond * clock.SECOND
            answer = client.post(path, json={"until": times.format_instant(until)})
            assert answer.status_code == status, (path, beyond)
        assert list(errors_of(answer)) == ["until"]


@pytest.mark.parametrize("beyond", [0, 1])
def test_a6_an_integer_has_as_many_digits_as_documented_and_no_more(client, beyond):
    """The document said that none is beyond a double."""
    text = "9" * (documented("integers of more than {} digits") + beyond)

    answer = client.post("/api/echo", data=f'{{"a": {text}}}', content_type="application/json")

    assert answer.status_code == (400 if beyond else 200)


@pytest.mark.parametrize(("day", "status"), [("29 2 *", 201), ("30 2 *", 422)])
def test_a6_an_instant_of_cron_may_lie_as_far_ahead_as_documented(client, settings, moved_clock, day, status):
    """The document said that nothing lies beyond the horizon."""
    answer = client.create(cron=f"0 0 {day}")

    assert answer.status_code == status
    if status == 201:
        ahead = times.parse_instant(answer.json["data"]["job"]["scheduled_at"]) - moved_clock.now
        assert settings.horizon_days * clock.DAY < ahead < documented("may lie up to {} years ahead") * 365 * clock.DAY


def test_an_interval_is_no_shorter_than_the_settings_say(client, settings):
    least = settings.min_interval_s
    assert client.create(repeat_every=least).status_code == 201
    assert "repeat_every" in errors_of(client.create(repeat_every=least - 0.001))


def test_a_body_is_as_deep_as_documented_and_no_deeper(client):
    deep = documented("and {} levels") - 1  # the job itself is a level
    for more, status in ((0, 201), (1, 422)):
        text = f'{{"url": "{URL}", "body": {"[" * (deep + more)}{"]" * (deep + more)}}}'
        assert client.post("/api/jobs", data=text, content_type="application/json").status_code == status


def test_a_request_is_as_large_as_the_settings_say_and_no_larger(client, settings):
    for size, status in ((settings.max_body_bytes, 200), (settings.max_body_bytes + 1, 413)):
        assert client.post("/api/echo", data=b"x" * size, content_type="text/plain").status_code == status


def test_a_batch_has_as_many_jobs_as_documented_and_no_more(client):
    maximum = documented("{} job requests, each as JSON of `POST /api/jobs`")
    assert maximum == documented("| orders up to {} requests |")
    for count, status in ((maximum, 201), (maximum + 1, 422), (1, 201), (0, 422)):
        answer = client.post("/api/jobs/batch", json={"jobs": [{}] * count})
        assert answer.status_code == status, count


def test_a_form_has_as_many_fields_as_its_error_tells_and_no_more(client):
    maximum = forms.MAX_PAIRS
    parts = [f"url={URL}", *[f"body[{number}]=1" for number in range(maximum - 1)]]
    assert client.post("/api/jobs", data="&".join(parts), content_type=FORM).status_code == 201

    refused = client.post("/api/jobs", data="&".join([*parts, "body[x]=1"]), content_type=FORM)

    assert errors_of(refused, 400) == {}
    assert f"at most {maximum} fields, got {maximum + 1}" in refused.json["error"]["message"]


QUERIES = [  # path, parameter, and the sentences with its minimum and maximum
    *[
        (path, name, f"`limit`, `offset` | {minimum}", f"`limit`, `offset` | {maximum}")
        for path in ("/api/jobs", "/api/logs", "/api/schedules", "/api/schedules/{id}/runs", "/api/jobs/{id}/related")
        for name, minimum, maximum in (
            ("limit", "{} to 100, default 10; 0 to 100000", "1 to {}, default 10; 0 to 100000"),
            ("offset", "1 to 100, default 10; {} to 100000", "1 to 100, default 10; 0 to {}"),
        )
    ],
    ("/api/schedules/preview?cron=@daily", "count", "`count` ({} to 100", "`count` (1 to {}"),
]


@pytest.fixture
def addresses(client):
    """Fills the id of a job or a schedule into a path."""
    job = client.created(cron="@daily")
    return lambda path: path.replace("{id}", job["schedule_id"] if "schedules" in path else job["id"])


@pytest.mark.parametrize(("path", "name", "minimum", "maximum"), QUERIES, ids=lambda value: str(value)[:40])
def test_a_parameter_at_a_limit_is_taken_and_one_beyond_it_is_not(client, addresses, path, name, minimum, maximum):
    address, low, high = addresses(path), documented(minimum), documented(maximum)

    def ask(value):
        return client.get(f"{address}{'&' if '?' in address else '?'}{name}={value}")

    assert [ask(value).status_code for value in (low, high)] == [200, 200]
    for value in (low - 1, high + 1):
        assert list(errors_of(ask(value))) == [name]


def test_a_searched_text_is_as_long_as_documented_and_no_longer(client):
    maximum = documented("| 1 to {} characters that its URL or its name contains")
    for length, status in ((maximum, 200), (maximum + 1, 422), (1, 200), (0, 422)):
        assert client.get(f"/api/jobs?text={'x' * length}").status_code == status, length


def test_the_key_of_a_schedule_is_as_long_as_documented_and_no_longer(client):
    maximum = documented("(up to {} letters, digits")
    for length, status in ((maximum, 201), (maximum + 1, 422), (1, 201)):
        answer = client.ask("PUT", f"/api/schedules/{'k' * length}", json={"url": URL, "cron": "@daily"})
        assert answer.status_code == status, length


def test_an_account_has_as_many_endpoints_as_documented_and_no_more(client):
    statuses = [
        client.post("/api/endpoints", json={"url": URL}).status_code
        for _ in range(documented("has at most {} endpoints.") + 1)
    ]
    assert statuses == [201] * documented("An account has at most {} endpoints.") + [409]


@pytest.mark.parametrize("sentence", ["base64 of {} to 64 random bytes", "base64 of 24 to {} random bytes"])
def test_a_secret_that_the_client_brings_is_as_long_as_documented(client, sentence):
    size = documented(sentence)
    for more, status in ((0, 201), (-1 if size == documented("base64 of {} to 64 random bytes") else 1, 422)):
        secret = "whsec_" + base64.b64encode(b"s" * (size + more)).decode()
        assert client.post("/api/signing-keys", json={"secret": secret}).status_code == status


def test_a_signing_key_goes_on_for_as_long_as_documented_and_no_longer(client):
    key = client.post("/api/signing-keys").json["data"]["id"]
    longest_s = documented("as `schedule_in`, at most {} days") * DAY_S
    for after_s, status in ((longest_s + 1, 422), (longest_s, 200)):
        assert client.post(f"/api/signing-keys/{key}/retire", json={"after": after_s}).status_code == status


@pytest.mark.parametrize("path", ["/api/broadcast", "/api/channels/demo"])
def test_a_message_is_as_long_as_documented_and_no_longer(app, path):
    maximum = documented("(at most {} characters) and `channel`")
    for length, status in ((maximum, 200), (maximum + 1, 422)):
        message = {"author": "a", "content": "x" * length} | ({"channel": "c"} if "broadcast" in path else {})
        assert ApiClient(app).post(path, json=message).status_code == status


def test_the_demo_channel_shows_as_many_messages_as_documented_each_cut_to_the_documented_length(client):
    shown, longest = documented("the last {} messages"), documented("({} characters of each)")
    assert (shown, longest) == (channels.KEPT_MESSAGES, channels.MAX_KEPT_CHARS)
    for number in range(shown + 1):
        content = f"{number} ".ljust(longest + number % 2, "x")
        client.post("/api/channels/demo", json={"author": "a", "content": content})

    messages = client.get("/api/channels/demo/messages").json["data"]

    assert [message["content"].split()[0] for message in messages] == [str(n) for n in range(shown, 0, -1)]
    assert {len(message["content"]) for message in messages} == {longest}


LISTS = {  # path, and the sentence with the default of its limit
    "/api/jobs": "1 to 100, default {}; 0 to",
    "/api/logs": "1 to 100, default {}; 0 to",
    "/api/schedules": "1 to 100, default {}; 0 to",
    "/api/schedules/{id}/runs": "1 to 100, default {}; 0 to",
    "/api/jobs/{id}/related": "Parameters: `limit` (default {})",
}


@pytest.fixture
def filled(client, account, addresses):
    """More rows of each kind than a page has: of the job and the schedule that `addresses` names, too."""
    now, path = clock.now(), addresses("/api/jobs/{id}")
    job = client.get(path).json["data"]
    many = documented(LISTS["/api/jobs/{id}/related"]) + 1
    for _ in range(documented(LISTS["/api/schedules"])):
        client.created(cron="@daily")
    follow_up = {"account_id": account.id, "state": "available", "kind": "callback", "parent_id": job["job_id"]}
    rows = [{**follow_up, "scheduled_at": now, "inserted_at": now, "args": f'{{"url":"{URL}"}}'} for _ in range(many)]
    Job.insert_many(rows).execute()
    records.add_log_entries([records.log_row(account.id, 1, None, "worker.http.error", {}, now) for _ in range(many)])
    firing_rows.add([FiringRow(job["schedule_id"], n, firing_rows.MISSED, None, None, now) for n in range(many)])


@pytest.mark.parametrize("path", LISTS)
def test_a_list_has_the_documented_number_of_rows_by_default(client, addresses, filled, path):
    assert len(client.get(addresses(path)).json["data"]) == documented(LISTS[path])
    assert len(client.get(f"{addresses(path)}?limit=1").json["data"]) == 1


def test_a_preview_has_the_documented_number_of_instants_by_default(client):
    instants = client.get("/api/schedules/preview?cron=@daily").json["data"]["instants"]
    assert len(instants) == documented("`count` (1 to 100, default {})")


@pytest.mark.parametrize("path", LISTS)
def test_openapi_tells_the_same_default(client, path):
    routes = client.get("/api/openapi.json").json["paths"]
    parameters = routes[path.replace("{id}", "{key}")]["get"]["parameters"]
    defaults = {each["name"]: each["schema"].get("default") for each in parameters}
    assert (defaults["limit"], defaults["offset"]) == (documented(LISTS[path]), 0)
