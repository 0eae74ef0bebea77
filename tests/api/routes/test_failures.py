"""GET /api/failures and its groups, POST /api/jobs/{id}/retry, and the members that `expand` adds to jobs."""

import json

import pytest

from models.database.sql import execute
from models.jobs import job_lists, lifecycle
from models.jobs.job_tables import Job
from models.jobs.records import AttemptRow, add_attempts
from models.operations import operation_store
from models.rules import clock
from tests.support.api_client import URL, errors_of, one_database
from tests.support.listings import ids_of, pages_of
from tests.support.operations import order_operation, work_off
from tests.support.rows import make_failed_job, make_job


def retried(client, job, **fields):
    """The job that a valid retry makes."""
    answer = client.post(f"/api/jobs/{job}/retry", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def test_failures_are_discarded_and_retryable_jobs_with_their_last_attempt(client, stranger, account, moved_clock):
    first = make_failed_job(account, "a.example", "status_500")
    add_attempts([AttemptRow(first.id, 2, 5, 6, 7, "unreachable", None, "timeout", next_at=8)])
    second = make_failed_job(account, "b.example", "status_500", "retryable")
    for state in ("completed", "cancelled", "executing", "scheduled"):
        make_failed_job(account, "c.example", "status_500", state)

    answer = client.get("/api/failures")

    assert ids_of(answer) == [second.uuid, first.uuid]
    last = answer.json["data"][1]["last_attempt"]
    assert (last["number"], last["status_code"], last["reason"]) == (2, None, "timeout")
    assert last["next_at"] == "1970-01-01T00:00:00.000008Z"
    assert stranger.get("/api/failures").json == {"data": []}


@pytest.mark.parametrize(
    ("query", "hosts"),
    [
        ({"state": "retryable"}, ["c"]),
        ({"host": "a"}, ["a"]),
        ({"reason": "timeout"}, ["b"]),
        ({"reason": "status_500", "state": "discarded"}, ["a"]),
        ({"status_code": "5xx"}, ["c", "b", "a"]),
        ({"kind": "event"}, []),
        ({"order_by": "inserted_at,asc"}, ["a", "b", "c"]),
    ],
    ids=str,
)
def test_failures_are_filtered(client, account, moved_clock, query, hosts):
    for host, reason, state in (
        ("a", "status_500", "discarded"),
        ("b", "timeout", "discarded"),
        ("c", "status_500", "retryable"),
    ):
        make_failed_job(account, host, reason, state)
        moved_clock.advance(seconds=1)
    rows = client.get("/api/failures", query_string=query).json["data"]
    assert [Job.get_by_id(row["job_id"]).host for row in rows] == hosts


def test_a_page_of_failures_ends_where_it_stopped_looking(client, account, moved_clock, monkeypatch):
    monkeypatch.setattr(job_lists, "LOOKED_AT", 2)
    jobs = [make_failed_job(account, host, "timeout") for host in ("a", "b", "b", "b", "a", "a", "a")]
    pages = list(pages_of(client, "/api/failures?host=a&limit=2"))
    assert sum(pages, []) == [jobs[number].uuid for number in (6, 5, 4, 0)]
    assert [] in pages


@one_database
@pytest.mark.parametrize("query", ["offset=1", "state=completed", "order_by=name,asc", "hots=a", "replayed=1"])
def test_what_a_list_of_failures_can_not_mean_is_refused(client, query):
    assert set(errors_of(client.get(f"/api/failures?{query}"))) == {query.partition("=")[0]}


def test_failures_are_grouped_by_state_host_and_reason(client, account, moved_clock):
    make_failed_job(account, "a.example", "status_500")
    latest = make_failed_job(account, "a.example", "status_500")
    make_failed_job(account, "b.example", None, "retryable")
    at = "2026-01-01T09:00:00.000000Z"
    [large, small] = client.get("/api/failures/groups").json["data"]
    assert large == {
        **{"state": "discarded", "host": "a.example", "reason": "status_500", "jobs": 2, "more": False},
        **{"latest_at": at, "latest_job_id": latest.id},
    }
    assert (small["state"], small["reason"], small["jobs"]) == ("retryable", "unknown", 1)


@pytest.mark.parametrize("by", ["a retry", "an operation"])
def test_a_failure_that_was_run_again_is_none_any_more(client, account, moved_clock, by):
    replayed, other = (make_failed_job(account, "a.example", "timeout") for _ in range(2))
    if by == "a retry":
        retried(client, replayed.uuid)
    else:
        work_off(order_operation(account, "retry", ids=(replayed.id,)))

    assert ids_of(client.get("/api/failures")) == [other.uuid]
    assert ids_of(client.get("/api/failures?replayed=true")) == [replayed.uuid]
    assert [group["jobs"] for group in client.get("/api/failures/groups").json["data"]] == [1]
    assert client.get(f"/api/jobs/{replayed.uuid}").json["data"]["job"]["state"] == "discarded"


def test_a_retry_sends_the_same_again_and_both_jobs_name_each_other(client, moved_clock):
    sent = {"method": "put", "headers": {"X-A": "1"}, "body": {"a": 1.50}, "name": "n", "labels": ["a"], "timeout": 5}
    old = client.created(**sent, schedule_in=60, idempotency_key="k")

    new = retried(client, old["id"])
    again = retried(client, old["job_id"])

    assert new["args"] == {"url": URL, **sent}
    assert (new["job"]["state"], new["idempotency_key"], new["name"]) == ("available", None, "n")
    assert (new["replay_of"], new["replays"]) == (old["id"], [])
    links = client.get(f"/api/jobs/{old['id']}?expand=replays").json["data"]
    assert (links["replay_of"], links["replays"]) == (None, [new["id"], again["id"]])
    [listed] = client.get("/api/jobs?label=a&limit=1&expand=replays").json["data"]
    assert listed["replay_of"] == old["id"]


CHANGES = [
    ({"url": "https://b.example/x"}, {"host": "b.example"}),
    ({"method": "POST"}, {}),
    ({"headers": {"X-B": "2"}}, {}),
    ({"query": {"q": [1, 2]}}, {}),
    ({"max_attempts": 3}, {"max_attempts": 3}),
    ({"body": "text"}, {"body": b"text", "content_type": "text/plain; charset=utf-8"}),
    ({"body": {"b": 2}}, {"body": b'{"b": 2}', "content_type": "application/json"}),
]


@pytest.mark.parametrize(("fields", "columns"), CHANGES, ids=str)
def test_what_a_retry_names_is_changed_and_nothing_else(client, moved_clock, fields, columns):
    sent = {"method": "put", "headers": {"X-A": "1"}, "query": {"p": 1}, "body": {"a": 1}, "max_attempts": 7}
    old = client.created(**sent)
    before = Job.get_by_id(old["job_id"])

    new = retried(client, old["id"], **fields)

    after = Job.get_by_id(new["job_id"])
    changed = {name: value.lower() if name == "method" else value for name, value in fields.items()}
    assert new["args"] == {"url": URL, **sent} | changed
    for name in ("host", "max_attempts", "body", "content_type", "timeout_ms"):
        value = getattr(after, name)
        expected = columns.get(name, getattr(before, name))
        assert (bytes(value) if name == "body" else value) == (bytes(expected) if name == "body" else expected)
    assert client.get(f"/api/jobs/{old['id']}").json["data"] == old


def test_null_takes_a_field_of_the_old_job_away(client):
    old = client.created(headers={"X-A": "1"}, query={"p": 1}, body="x", max_attempts=3)
    new = retried(client, old["id"], headers=None, query=None, body=None, max_attempts=None)
    row = Job.get_by_id(new["job_id"])
    assert new["args"] == {"url": URL}
    assert (row.body, row.content_type, row.max_attempts) == (None, None, 20)


@pytest.mark.parametrize("when", [{"schedule_in": 60}, {"scheduled_at": "2026-01-01T09:01:00Z"}], ids=str)
def test_a_retry_may_be_due_later_and_its_age_counts_from_then(client, moved_clock, when):
    old = client.created(max_age=10)
    new = retried(client, old["id"], **when)
    row = Job.get_by_id(new["job_id"])
    assert (row.state, row.scheduled_at) == ("scheduled", clock.now() + clock.MINUTE)
    assert row.retry_until == clock.now() + clock.MINUTE + 10 * clock.SECOND
    assert new["args"] == {"url": URL, "max_age": 10, **when}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"url": "ftp://x"}, "url"),
        ({"url": None}, "url"),
        ({"method": None}, "method"),
        ({"ulr": "https://a.example/"}, "ulr"),
        ({"schedule_in": 1, "scheduled_at": "2026-01-01T09:00:00Z"}, "scheduled_at"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"query": {"q": "x" * 9000}}, "query"),
        ({"headers": {"Host": "x"}}, "headers.Host"),
    ],
    ids=lambda value: str(value)[:40],
)
@one_database
def test_a_wrong_retry_is_refused_and_makes_nothing(client, fields, wrong):
    old = client.created()
    assert set(errors_of(client.post(f"/api/jobs/{old['id']}/retry", json=fields))) == {wrong}
    assert Job.select().count() == 1


def test_only_requests_are_retried(client, account):
    event = make_job(account, "discarded", kind="event")
    assert errors_of(client.post(f"/api/jobs/{event.uuid}/retry"))


def test_a_retry_that_is_repeated_with_its_key_makes_one_job(client):
    old = client.created()
    answers = [
        client.post(f"/api/jobs/{old['id']}/retry", json={"max_attempts": 2}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    ]
    assert answers[0].json == answers[1].json
    assert Job.select().count() == 2


@pytest.mark.parametrize("path", ["/api/jobs/{id}/retry", "/api/jobs/retry"])
def test_a_job_that_retries_itself_for_ever_comes_to_an_end(client, account, path):
    """A retry counts the jobs through which it came, as an order does."""
    old = client.created()
    fields = {} if "{id}" in path else {"filter": {"ids": [old["id"]]}}
    address = path.format(id=old["id"])

    answer = client.post(address, json=fields, headers={"Booper-Hop": "4"})
    if "{id}" not in path:
        work_off(operation_store.find(account.id, answer.json["data"]["id"]))

    assert Job.select().order_by(Job.id.desc()).get().hops == 4
    assert set(errors_of(client.post(address, json=fields, headers={"Booper-Hop": "5"}))) == {"Booper-Hop"}


@pytest.mark.parametrize(("of_the_job", "of_the_retry"), [("4", "0"), ("0", "4"), ("4", "3")])
def test_a_job_that_is_run_again_has_come_through_as_many_jobs_as_the_longer_way(client, of_the_job, of_the_retry):
    """A loop that goes through a retry would start to count anew each time."""
    answer = client.post("/api/jobs", json={"url": URL}, headers={"Booper-Hop": of_the_job})

    address = f"/api/jobs/{answer.json['data']['id']}/retry"
    assert client.post(address, json={}, headers={"Booper-Hop": of_the_retry}).status_code == 201

    assert Job.select().order_by(Job.id.desc()).get().hops == 4


def test_a_job_shows_its_last_attempt_on_request_alone(client, account, moved_clock):
    job, fresh = make_failed_job(account, "a", "timeout"), make_job(account)
    plain = client.get(f"/api/jobs/{job.uuid}").json["data"]
    expanded = client.get(f"/api/jobs/{job.uuid}?expand=last_attempt").json["data"]
    listed = client.get("/api/jobs?expand=last_attempt,replays").json["data"]

    assert set(expanded) - set(plain) == {"last_attempt"}
    assert len(plain) == 10
    assert expanded["last_attempt"] == client.get(f"/api/jobs/{job.uuid}/attempts").json["data"][-1]
    assert {row["id"]: row["last_attempt"] and row["last_attempt"]["reason"] for row in listed} == {
        fresh.uuid: None,
        job.uuid: "timeout",
    }
    assert {row["replay_of"] for row in listed} == {None}


@one_database
@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs/{id}"])
@pytest.mark.parametrize("expand", ["", "all", "last_attempt,", "last_attempt,x"])
def test_an_unknown_expansion_is_refused(client, path, expand):
    job = client.created()
    assert set(errors_of(client.get(path.format(id=job["id"]) + f"?expand={expand}"))) == {"expand"}


def test_links_go_with_the_older_job(client, account, moved_clock):
    old = client.created()
    new = retried(client, old["id"])
    execute("UPDATE job SET state = 'completed', completed_at = 1 WHERE id = %s", (new["job_id"],))
    lifecycle.delete([new["job_id"]])
    assert ids_of(client.get("/api/jobs?replayed=true")) == [old["id"]]

    execute("UPDATE job SET state = 'completed', completed_at = 1")
    lifecycle.delete([old["job_id"]])

    assert json.loads(client.get("/api/jobs").text) == {"data": []}
    assert not client.get("/api/jobs?replayed=true").json["data"]
