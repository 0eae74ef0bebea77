"""Large batches of a process take turns."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import batch_turns
from models.database.connection import close_all
from tests.support.api_client import URL, ApiClient, errors_of, one_database
from tests.support.waiting import wait_until

LONGEST_WAIT_S = 60


@pytest.fixture
def turns(monkeypatch):
    """Every batch needs a turn; the semaphores of the test's own."""
    monkeypatch.setattr(batch_turns, "LARGE_BYTES", 10)
    monkeypatch.setattr(batch_turns, "_turn", threading.Semaphore())
    monkeypatch.setattr(batch_turns, "_places", threading.Semaphore(batch_turns._places._value))
    return batch_turns


def send(client, jobs=1):
    return client.post("/api/jobs/batch", json={"jobs": [{"url": URL}] * jobs})


@one_database
def test_a_turn_ends_with_its_request_however_that_ends(client, turns):
    answers = [send(client, jobs).status_code for jobs in (1, 0, 1)]
    broken = client.post("/api/jobs/batch", data=b'{"jobs": [', content_type="application/json")

    assert (answers, broken.status_code) == ([201, 422, 201], 400)
    assert turns._turn.acquire(blocking=False)
    assert all(turns._places.acquire(blocking=False) for _ in range(1 + turns.WAITING))


@one_database
def test_a_batch_whose_turn_does_not_come_is_refused_with_when_to_come_again(client, turns, monkeypatch):
    monkeypatch.setattr(turns, "LONGEST_WAIT_S", 0.01)
    turns._turn.acquire()

    answer = send(client)

    errors_of(answer, 503)
    assert answer.headers["Retry-After"] == "2"
    turns._turn.release()
    assert send(client).status_code == 201


@one_database
def test_n3_more_batches_than_may_wait_are_refused_at_once_and_the_others_get_their_turn(client, turns):
    def send_and_close():
        try:
            return send(client).status_code
        finally:
            close_all()

    turns._turn.acquire()
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(send_and_close) for _ in range(3)]
        wait_until(lambda: turns._places._value == 0, LONGEST_WAIT_S, "batches that wait")
        refused = send(client).status_code
        turns._turn.release()

        assert refused == 503
        assert [future.result(LONGEST_WAIT_S) for future in waiting] == [201] * 3


@one_database
def test_a_small_batch_needs_no_turn(client, monkeypatch):
    monkeypatch.setattr(batch_turns, "_turn", threading.Semaphore(0))

    assert send(client).status_code == 201


@one_database
def test_other_requests_need_no_turn(client, turns):
    turns._turn.acquire()

    assert client.created()["id"]
    assert ApiClient(client.app).post("/api/echo", json={"a": "b" * 100}).status_code == 200
