"""GET /api/logs: what happened to jobs."""

import uuid

import pytest

from models.jobs import records
from models.rules.clock import SECOND
from tests.support.api_client import errors_of, one_database
from tests.support.log_rows import insert_log_rows

KEYS = {"event", "id", "inserted_at", "job_id", "payload", "user_id"}
START = 1_695_319_366_697_398  # 2023-09-21T18:02:46.697398Z


@pytest.fixture
def entries(client, account):
    """Three entries of two jobs, a second apart, oldest first."""
    jobs = [client.created()["job_id"] for _ in range(2)]
    events = ["worker.http.request", "worker.http.response", "worker.http.request"]
    rows = [
        records.log_row(account.id, jobs[n // 2], None, event, {"n": n, "é": "\u2028"}, START + n * SECOND)
        for n, event in enumerate(events)
    ]
    insert_log_rows(rows)
    return rows


def entry_ids(client, query=""):
    answer = client.get(f"/api/logs{query}")
    assert answer.status_code == 200, answer.text
    return [entry["id"] for entry in answer.json["data"]]


def test_an_entry_has_exactly_the_keys_of_the_contract(client, account, entries):
    entry = client.get(f"/api/logs/{entries[0].uuid}").json["data"]
    assert set(entry) == KEYS
    assert entry["inserted_at"] == "2023-09-21T18:02:46.697398Z"
    assert entry["payload"] == {"n": 0, "é": "\u2028"}
    assert (entry["job_id"], entry["user_id"]) == (entries[0].job_id, account.uuid)
    assert entry["event"] == "worker.http.request"


def test_the_newest_comes_first(client, entries):
    ids = [row.uuid for row in entries]
    assert entry_ids(client) == ids[::-1]
    assert entry_ids(client, "?order_by=inserted_at,asc") == ids
    assert entry_ids(client, "?limit=1&offset=1") == [ids[1]]
    assert entry_ids(client, "?order_by[]=event&order_by[]=desc")[0] == ids[1]


def test_entries_are_selected_by_job_and_event(client, entries):
    job = client.get(f"/api/jobs/{entries[0].job_id}").json["data"]
    ids = [row.uuid for row in entries]
    for key in (job["id"], job["job_id"]):
        assert entry_ids(client, f"?job_id={key}") == ids[1::-1]
    assert entry_ids(client, "?event=worker.http.response") == [ids[1]]
    assert entry_ids(client, f"?event=worker.http.request&job_id={job['id']}") == [ids[0]]
    assert entry_ids(client, f"?schedule_id={uuid.uuid4()}") == []
    assert entry_ids(client, f"?job_id={uuid.uuid4()}") == []


@one_database
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("job_id=x", "job_id"),
        ("job_id=9223372036854775808", "job_id"),
        ("job_id=1&job_id=2", "job_id"),
        ("event=%00", "event"),
        ("event=Worker", "event"),
        ("event=" + "a" * 1000, "event"),
        ("schedule_id=5", "schedule_id"),
        ("order_by=payload,asc", "order_by"),
        ("limit=101", "limit"),
        ("offset=x", "offset"),
        ("evnt=x", "evnt"),
    ],
)
def test_a_wrong_query_is_refused(client, query, field):
    assert set(errors_of(client.get(f"/api/logs?{query}"))) == {field}


def test_entries_of_one_instant_keep_their_order_from_page_to_page(client, account):
    rows = [records.log_row(account.id, 1, None, "worker.http.request", {}, START) for _ in range(6)]
    insert_log_rows(rows)
    pages = [entry_ids(client, f"?limit=2&offset={offset}") for offset in (0, 2, 4)]
    assert sum(pages, []) == sorted((row.uuid for row in rows), reverse=True)
