"""What reaches the session of each client, where it comes from, and what the client gives back at its end."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from booper_client import AsyncClient, Client, Retries
from booper_client.decoding import instant
from booper_client.requests_out import Request, text, value
from tests.support.both_clients import KINDS, client_of

ANSWER = {"status_code": 200, "headers": {"X-Mixed": "1"}, "content": b'{"message": "Pong"}'}


class Session:
    """In place of a session of requests or httpx. `sent`: the arguments of each request."""

    def __init__(self):
        self.sent, self.closed = [], 0

    def request(self, method, address, **options):
        self.sent.append({"method": method, "address": address, **options})
        return SimpleNamespace(**ANSWER)

    def close(self):
        self.closed += 1


class AsyncSession(Session):
    async def request(self, *arguments, **options):
        return super().request(*arguments, **options)

    async def aclose(self):
        self.close()


@pytest.fixture
def session(kind):
    return Session() if kind == "sync" else AsyncSession()


@pytest.fixture
def nothing_set(monkeypatch):
    for name in ("BOOPER_URL", "BOOPER_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("timeout", [30.0, 7])
def test_each_attempt_has_the_limit_of_time_that_the_client_was_given(kind, session, timeout):
    options = {} if timeout == 30.0 else {"timeout": timeout}

    client_of(kind, "http://booper.test", "sk_x", session=session, **options).ping()

    assert [each["timeout"] for each in session.sent] == [timeout]


@pytest.mark.parametrize("url", ["http://booper.test", "http://booper.test/", "http://booper.test//"])
def test_the_api_is_below_the_url_with_or_without_a_slash_at_its_end(kind, session, url):
    client_of(kind, url, "sk_x", session=session).ping()

    assert session.sent[0]["address"] == "http://booper.test/api/ping"


def test_a_url_may_have_a_path_that_the_server_is_under(kind, session):
    client_of(kind, "https://example.com/booper/", "sk_x", session=session).ping()

    assert session.sent[0]["address"] == "https://example.com/booper/api/ping"


@pytest.mark.parametrize(
    ("arguments", "variables", "address", "authorization"),
    [
        ((), {}, "http://127.0.0.1:8000/api/ping", None),
        ((), {"BOOPER_URL": "http://b"}, "http://b/api/ping", None),
        (("http://a",), {"BOOPER_URL": "http://b", "BOOPER_API_KEY": "sk_b"}, "http://a/api/ping", "Bearer sk_b"),
        ((None, "sk_a"), {"BOOPER_URL": "http://b", "BOOPER_API_KEY": "sk_b"}, "http://b/api/ping", "Bearer sk_a"),
        (("http://a", "sk_a"), {"BOOPER_API_KEY": "sk_b"}, "http://a/api/ping", "Bearer sk_a"),
        ((), {"BOOPER_URL": "", "BOOPER_API_KEY": ""}, "http://127.0.0.1:8000/api/ping", None),
    ],
)
def test_url_and_key_are_those_of_the_environment_where_they_are_left_out(
    kind, session, nothing_set, arguments, variables, address, authorization
):
    for name, setting in variables.items():
        nothing_set.setenv(name, setting)

    client_of(kind, *arguments, session=session).ping()

    assert session.sent[0]["address"] == address
    assert session.sent[0]["headers"].get("Authorization") == authorization


def test_closing_a_client_closes_its_session(kind, session):
    client_of(kind, "http://booper.test", "sk_x", session=session).close()

    assert session.closed == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_client_that_is_a_context_closes_its_session_also_after_an_error(kind, session):
    async def used():
        async with AsyncClient("http://booper.test", "sk_x", session=session):
            raise LookupError

    def in_a_context():
        if kind == "async":
            asyncio.run(used())
        with Client("http://booper.test", "sk_x", session=session):
            raise LookupError

    with pytest.raises(LookupError):
        in_a_context()

    assert session.closed == 1


def test_a_wait_for_a_job_lasts_as_long_as_its_caller_says(kind, monkeypatch):
    looks, waits = ["scheduled", "executing", "completed"], []
    client = client_of(kind, "http://booper.test", "sk_x", retries=Retries(attempts=1))
    jobs = client.jobs if kind == "sync" else client.jobs._inner

    def looked(*_, **__):
        return SimpleNamespace(state=looks[0], is_final=looks.pop(0) == "completed")

    async def awaited(answer):
        return answer

    def either(function):
        return function if kind == "sync" else lambda *arguments, **options: awaited(function(*arguments, **options))

    monkeypatch.setattr(jobs, "get", either(looked))
    monkeypatch.setattr(jobs._sender, "sleep", either(waits.append))

    assert client.jobs.wait("a job", every_seconds=7).state == "completed"
    assert waits == [7, 7]


@pytest.mark.parametrize(
    ("item", "written"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (["a", "b"], "a,b"),
        (("a", 1, True), "a,1,true"),
        (timedelta(days=1, seconds=1.5), "86401.5"),
        (datetime(2027, 1, 1, 9, tzinfo=UTC), "2027-01-01T09:00:00+00:00"),
    ],
)
def test_a_value_of_a_query_is_written_as_the_api_reads_it(item, written):
    assert text(item) == written
    assert Request("GET", "/jobs", {"a": item, "b": None}).query() == {"a": written}


def test_a_time_with_an_offset_is_sent_in_utc_and_one_without_as_it_is(monkeypatch):
    east = timezone(timedelta(hours=2))

    assert value(datetime(2027, 1, 1, 9, tzinfo=east)) == "2027-01-01T07:00:00+00:00"
    assert value(datetime(2027, 1, 1, 9)) == "2027-01-01T09:00:00"  # noqa: DTZ001 - the API reads it as UTC


@pytest.mark.parametrize("written", ["2027-01-01T09:00:00", "2027-01-01T09:00:00Z", "2027-01-01T11:00:00+02:00"])
def test_a_time_of_an_answer_is_one_with_an_offset(written):
    assert instant(written) == datetime(2027, 1, 1, 9, tzinfo=UTC)
    assert instant(written).tzinfo is not None
