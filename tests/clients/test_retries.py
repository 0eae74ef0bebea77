"""The Python client repeats what may be repeated, and nothing is made twice."""

import socket

import pytest

from booper_client import ConnectionFailedError, NotFoundError, Retries, UnreadableAnswerError
from tests.support.both_clients import client_of
from tests.support.live_server import LOSE, LossyFront

URL = "https://example.com/hook"
AT_ONCE = Retries(attempts=4, first_seconds=0.0)


@pytest.fixture
def through(kind, server, key):
    """A function from a script to a client behind a front with that script, and the front."""
    opened = []

    def make(*script, retries=AT_ONCE):
        front = LossyFront(server.port, *script)
        front.__enter__()
        client = client_of(kind, front.url, key, retries=retries)
        opened.extend([client.close, lambda: front.__exit__()])
        return client, front

    yield make
    for close in opened:
        close()


def test_an_order_whose_answer_is_lost_is_made_once(through):
    client, front = through(LOSE, LOSE)

    job = client.jobs.create(URL, schedule_in=3600)

    assert len({headers["idempotency-key"] for _, _, headers, _ in front.requests}) == 1
    assert len(front.requests) == 3
    assert [each.id for each in client.jobs.list()] == [job.id]


def test_two_orders_have_keys_of_their_own(through):
    client, front = through()

    client.jobs.create(URL, schedule_in=3600)
    client.jobs.create(URL, schedule_in=3600)

    assert len({headers["idempotency-key"] for _, _, headers, _ in front.requests}) == 2


def test_an_order_by_a_key_of_one_s_own_is_made_once(through):
    client, _ = through()

    jobs = [client.jobs.create(URL, schedule_in=3600, once="order-42") for _ in range(2)]

    assert jobs[0].id == jobs[1].id


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_is_away_for_a_moment_is_asked_again(through, status):
    client, front = through(status, (status, {"Retry-After": "0"}))

    client.jobs.create(URL, schedule_in=3600)

    assert len(front.requests) == 3


def test_a_refused_request_is_not_sent_again(through):
    client, front = through(500)

    with pytest.raises(UnreadableAnswerError, match="status 500"):
        client.jobs.create(URL)

    assert len(front.requests) == 1


def test_retries_end(through):
    client, front = through(*[LOSE] * 4)

    with pytest.raises(ConnectionFailedError, match="gave no answer"):
        client.stats()

    assert len(front.requests) == 4


def test_a_wait_that_is_longer_than_allowed_ends_the_retries(through):
    client, front = through((503, {"Retry-After": "3600"}))

    with pytest.raises(UnreadableAnswerError):
        client.stats()

    assert len(front.requests) == 1


def test_a_deletion_whose_answer_is_lost_has_succeeded(through):
    client, _ = through()
    client.schedules.put("k", url=URL, cron="@daily")

    client, front = through(LOSE)
    client.schedules.delete("k")

    assert [method for method, *_ in front.requests] == ["DELETE", "DELETE"]


def test_a_deletion_of_what_was_never_there_says_so_at_once(through):
    client, front = through()

    with pytest.raises(NotFoundError):
        client.schedules.delete("k")

    assert len(front.requests) == 1


def test_a_redirect_is_not_followed(through):
    client, front = through((302, {"Location": "https://elsewhere.example/"}))

    with pytest.raises(UnreadableAnswerError, match="status 302"):
        client.jobs.create(URL)

    assert len(front.requests) == 1


def test_a_server_that_is_not_there_is_an_error(kind):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(ConnectionFailedError, match=f"127.0.0.1:{port}"):
        client_of(kind, f"http://127.0.0.1:{port}", "sk_x", retries=AT_ONCE).stats()


def test_the_wait_doubles_up_to_a_limit_and_keeps_to_what_the_server_says():
    retries = Retries(attempts=9, first_seconds=1, max_seconds=10)

    waits = [retries.seconds_before(attempt, None) for attempt in range(2, 10)]

    for wait, doubled in zip(waits, [1, 2, 4, 8, 10, 10, 10, 10], strict=True):
        assert doubled / 2 <= wait <= doubled
    assert retries.seconds_before(2, 7) == 7
    assert retries.seconds_before(10, None) is None
    assert retries.seconds_before(2, 10) == 10
    assert retries.seconds_before(2, 10.1) is None
