"""POST /api/jobs/cancel, retry and delete, and the operations that they make."""

import pytest

from models.database.sql import execute, fetch
from models.jobs.job_tables import Job
from models.operations import operation_store
from models.rules import clock
from tests.support.api_client import errors_of, one_database
from tests.support.listings import next_of
from tests.support.operations import turn_of, work_off
from tests.support.rows import make_failed_job, make_job, reread

OTHER = "https://other.example/x"


def ordered(client, action="cancel", **fields):
    """The operation that a valid request makes."""
    answer = client.post(f"/api/jobs/{action}", json=fields)
    assert answer.status_code == 202, answer.text
    return answer.json["data"]


def row_of(account, operation):
    return operation_store.find(account.id, operation["id"])


def ended(client, account, action="cancel", **fields):
    """The operation of a valid request when it has ended."""
    operation = ordered(client, action, **fields)
    work_off(row_of(account, operation), 50)
    return client.get(f"/api/operations/{operation['id']}").json["data"]


def state_of(client, job):
    return client.get(f"/api/jobs/{job['id']}").json["data"]["job"]["state"]


def test_an_operation_says_what_it_does_and_how_far_it_is(client, account, moved_clock):
    for _ in range(3):
        client.created(schedule_in=60, labels=["a"])
    sent = {"label": "a", "after": "2026-01-01T00:00:00Z"}

    operation = ordered(client, filter=sent, limit=2)
    path = f"/api/operations/{operation['id']}"

    at = "2026-01-01T09:00:00.000000Z"
    assert operation == {
        **{"id": operation["id"], "action": "cancel", "filter": sent, "limit": 2, "state": "running"},
        **{"done": 0, "failed": 0, "left": 2, "more_left": False, "inserted_at": at, "ended_at": None},
    }
    turn_of(row_of(account, operation), 1)
    assert client.get(path).json["data"] == operation | {"done": 1, "left": 1}
    work_off(row_of(account, operation))
    assert client.get(path).json["data"] == operation | {"done": 2, "left": 0, "state": "done", "ended_at": at}


def test_matching_jobs_are_cancelled_and_no_others(client, account):
    wanted, other = client.created(schedule_in=60, labels=["a"]), client.created(schedule_in=60)
    assert ended(client, account, filter={"label": "a"})["done"] == 1
    assert (state_of(client, wanted), state_of(client, other)) == ("cancelled", "scheduled")


def test_the_kind_that_a_filter_has_anyway_stands_for_all_jobs(client, account):
    make_job(account, "scheduled", 60)
    assert ended(client, account, filter={"kind": "request"}, all=True)["done"] == 1


def test_another_kind_is_a_filter(client, account):
    event = make_job(account, "scheduled", 60, kind="event")
    other = make_job(account, "scheduled", 60)
    assert ended(client, account, filter={"kind": "event"})["done"] == 1
    assert [reread(job).state for job in (event, other)] == ["cancelled", "scheduled"]


def test_matching_jobs_are_retried(client, account):
    make_job(account, "discarded", name="a")
    make_job(account, "discarded", name="b")
    assert ended(client, account, "retry", filter={"name": "a"})["done"] == 1
    assert [job["name"] for job in client.get("/api/jobs?state=available").json["data"]] == ["a"]


def test_matching_jobs_are_deleted(client, account):
    gone, kept = make_job(account, "completed", name="a"), make_job(account, "completed", name="b")
    assert ended(client, account, "delete", filter={"name": "a"})["done"] == 1
    assert client.get(f"/api/jobs/{gone.uuid}").status_code == 404
    assert client.get(f"/api/jobs/{kept.uuid}").status_code == 200


@pytest.mark.parametrize("action", ["cancel", "retry", "delete"])
@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"filter": 'must leave something out, or come with "all": true'}),
        ({"filter": {}}, {"filter": 'must leave something out, or come with "all": true'}),
        ({"filter": {"kind": "request"}}, {"filter": 'must leave something out, or come with "all": true'}),
        ({"all": False}, {"filter": 'must leave something out, or come with "all": true'}),
        ({"filter": {"host": "a.example"}, "all": True}, {"all": "must be absent when a filter is given"}),
        ({"filters": {"host": "a.example"}}, {"filters": "unknown field, did you mean `filter`?"}),
        ({"filter": {"hots": "a.example"}}, {"filter.hots": "unknown field, did you mean `host`?"}),
        ({"filter": {"limit": 3}}, {"filter.limit": "unknown field"}),
        ({"filter": None}, {"filter": "must be an object, got null"}),
        ({"filter": None, "all": True}, {"filter": "must be an object, got null"}),
        ({"filter": []}, {"filter": "must be an object, got []"}),
        ({"filter": "host"}, {"filter": 'must be an object, got "host"'}),
        ({"filter": {"host": None}}, {"filter.host": "must be a host"}),
        ({"filter": {"text": ""}}, {"filter.text": "must be a part"}),
        ({"filter": {"text": "a\x00"}}, {"filter.text": "must be text without NUL"}),
        ({"filter": {"state": "done"}}, {"filter.state": "must be one of"}),
        ({"filter": {"status_code": 700}}, {"filter.status_code": "must be a status code"}),
        ({"filter": {"status_code": True}}, {"filter.status_code": "must be a status code"}),
        ({"filter": {"ids": []}}, {"filter.ids": "must be a list of 1 to 1000"}),
        ({"filter": {"ids": [True]}}, {"filter.ids": "must be a list of 1 to 1000"}),
        ({"filter": {"ids": ["x"]}}, {"filter.ids": "must be a list of 1 to 1000"}),
        ({"filter": {"ids": [1] * 1001}}, {"filter.ids": "must be a list of 1 to 1000"}),
        ({"filter": {"ids": [2**63]}}, {"filter.ids": "must be a list of 1 to 1000"}),
        ({"all": 1}, {"all": "must be true or false"}),
        ({"all": True, "limit": 0}, {"limit": "must be a whole number"}),
        ({"all": True, "dry_run": "yes"}, {"dry_run": "must be true or false"}),
    ],
)
@one_database
def test_what_may_be_a_slip_is_refused_and_nothing_is_done(client, account, action, fields, wrong):
    make_job(account, "scheduled", 60)

    errors = errors_of(client.post(f"/api/jobs/{action}", json=fields))

    assert set(errors) == set(wrong)
    for path, text in wrong.items():
        assert text in errors[path][0]
    assert fetch("SELECT count(*) FROM operation") == [(0,)]


@one_database
def test_a_filter_takes_the_integer_of_a_parent_as_number_and_as_text(client, account):
    job = make_job(account, "scheduled", 60)

    for parent in (job.id, str(job.id), job.uuid):
        answer = client.post("/api/jobs/cancel", json={"filter": {"parent": parent}, "dry_run": True})
        assert (answer.status_code, answer.json) == (200, {"data": {"matches": 0, "more": False}})
    for parent in (True, 1.5, -1, None, "one"):
        assert client.post("/api/jobs/cancel", json={"filter": {"parent": parent}}).status_code == 422


@one_database
def test_a_member_of_a_filter_that_is_given_twice_is_refused(client):
    body = '{"filter": {"host": "a.example", "host": "b.example"}}'
    answer = client.post("/api/jobs/cancel", data=body, content_type="application/json")
    assert set(errors_of(answer)) == {"filter.host"}


@one_database
@pytest.mark.parametrize(
    ("action", "members", "path"),
    [
        ("cancel", {"state": "completed"}, "filter.state"),
        ("delete", {"state": "scheduled"}, "filter.state"),
        ("retry", {"kind": "event"}, "filter.kind"),
    ],
)
def test_what_the_action_can_not_be_done_to_is_refused(client, action, members, path):
    assert set(errors_of(client.post(f"/api/jobs/{action}", json={"filter": members}))) == {path}


def test_with_all_an_empty_filter_stands_for_all_jobs(client, stranger, account):
    client.created(schedule_in=60), client.created()
    kept = stranger.created(schedule_in=60)
    operation = ended(client, account, all=True)
    assert (operation["done"], operation["filter"]) == (2, {})
    assert state_of(stranger, kept) == "scheduled"


def test_a_dry_run_counts_and_does_nothing(client):
    job = client.created(schedule_in=60)
    client.created(schedule_in=60, name="b")
    for fields, matches in (({"all": True}, 2), ({"filter": {"name": "b"}}, 1), ({"all": True, "limit": 1}, 1)):
        answer = client.post("/api/jobs/cancel", json={**fields, "dry_run": True})
        assert (answer.status_code, answer.json) == (200, {"data": {"matches": matches, "more": False}})
    assert state_of(client, job) == "scheduled"
    assert client.get("/api/operations").json == {"data": []}


FILTERS = [
    ({"url": "https://shop.example/orders/7?a=1"}, True),
    ({"url": "https://shop.example/*"}, True),
    ({"url": "https://shop.example/orders/7"}, False),
    ({"path": "/orders/7"}, True),
    ({"path": "/orders/*"}, True),
    ({"path": "/orders"}, False),
    ({"path": "/orders/7?a=1"}, False),
    ({"name": "order 7"}, True),
    ({"name": "order*"}, True),
    ({"name": "order"}, False),
    ({"label": "customer:7"}, True),
    ({"label": "customer:*"}, True),
    ({"label": "customer"}, False),
    ({"label": "ustomer:*"}, False),
    ({"flow": "shop"}, True),
    ({"flow": "sho"}, False),
    ({"lane": "user"}, True),
    ({"lane": "shop"}, False),
    ({"host": "shop.example"}, True),
    ({"text": "ORDERS"}, True),
    ({"scheduled_after": "2026-01-01T10:00:00Z"}, True),
    ({"scheduled_after": "2026-01-01T10:00:00.000001Z"}, False),
    ({"scheduled_before": "2026-01-01T10:00:00.000001Z"}, True),
    ({"scheduled_before": "2026-01-01T10:00:00Z"}, False),
    ({"failed_after": "2025-01-01T09:00:00Z"}, False),
    ({"failed_before": "2027-01-01T09:00:00Z"}, False),
    ({"after": "2026-01-01T09:00:00Z"}, True),
    ({"before": "2026-01-01T09:00:00Z"}, False),
    ({"due": "overdue"}, False),
    ({"state": "scheduled"}, True),
    ({"state": "available"}, False),
    ({"status_code": "5xx"}, False),
    ({"reason": "timeout"}, False),
    ({"schedule": "nightly"}, False),
]


@pytest.fixture
def order_7(client, moved_clock):
    other = client.created(url=OTHER, name="other", labels=["other"], flow={"key": "other", "rate": 1, "per": 60})
    wanted = client.created(
        url="https://shop.example/orders/7?a=1",
        name="order 7",
        labels=["a", "customer:7", "customer:8"],
        flow={"key": "shop", "rate": 1, "per": 60},
        lane="user",
        schedule_in=3600,
    )
    earlier = "inserted_at = inserted_at - 86400000000, scheduled_at = scheduled_at - 86400000000"
    execute(f"UPDATE job SET state = 'executing', {earlier} WHERE id = %s", (other["job_id"],))
    return wanted


@pytest.mark.parametrize(("members", "matches"), FILTERS, ids=lambda value: str(value))
def test_a_filter_finds_what_it_says_in_an_operation_and_in_a_list(client, account, order_7, members, matches):
    listed = client.get("/api/jobs", query_string=members | {"limit": 100})
    assert listed.status_code == 200, listed.text
    assert (order_7["id"] in [job["id"] for job in listed.json["data"]]) is matches

    operation = ended(client, account, filter=members)

    assert state_of(client, order_7) == ("cancelled" if matches else "scheduled")
    assert operation["failed"] == 0


@pytest.mark.parametrize(
    ("members", "hosts"),
    [
        ({"status_code": 500}, "ab"),
        ({"status_code": "5XX"}, "ab"),
        ({"status_code": 404}, ""),
        ({"reason": "timeout"}, "bc"),
        ({"reason": "unknown"}, "d"),
        ({"status_code": 500, "reason": "timeout"}, "b"),
    ],
    ids=str,
)
def test_failed_jobs_are_found_by_status_and_reason(client, account, members, hosts):
    make_failed_job(account, "a", "status_500")
    make_failed_job(account, "b", "timeout")
    no_answer = make_failed_job(account, "c", "timeout", "retryable")
    unknown = make_failed_job(account, "d", None)
    execute("UPDATE attempt SET status_code = NULL WHERE job_id IN (%s, %s)", (no_answer.id, unknown.id))
    make_job(account, "completed", host="e", attempt=1)

    listed = client.get("/api/jobs", query_string=members).json["data"]
    ended(client, account, "retry", filter=members)

    assert {Job.get_by_id(job["job_id"]).host for job in listed} == set(hosts)
    assert {job.host for job in Job.select().where(Job.state == "available")} == set(hosts)


def test_a_schedule_s_jobs_are_found_by_its_key_and_by_its_uuid(client, account):
    made = client.ask("PUT", "/api/schedules/nightly", json={"url": OTHER, "cron": "@daily"}).json["data"]
    client.created(schedule_in=60)
    [job] = client.get(f"/api/jobs?schedule={made['id']}").json["data"]

    assert [each["id"] for each in client.get("/api/jobs?schedule=nightly").json["data"]] == [job["id"]]
    assert client.get("/api/jobs?schedule=other").json["data"] == []
    assert ended(client, account, filter={"schedule": "nightly"})["done"] == 1
    assert state_of(client, job) == "cancelled"


def test_jobs_are_named_by_either_id_and_those_of_others_are_not_found(client, stranger, account):
    first, second, third = (client.created(schedule_in=60) for _ in range(3))
    foreign = stranger.created(schedule_in=60)
    ids = [first["id"].upper(), second["job_id"], foreign["id"], foreign["job_id"], first["job_id"]]

    assert ended(client, account, filter={"ids": ids})["done"] == 2

    assert [state_of(client, job) for job in (first, second, third)] == ["cancelled", "cancelled", "scheduled"]
    assert state_of(stranger, foreign) == "scheduled"


def test_overdue_jobs_are_those_whose_time_has_come(client, account, moved_clock):
    due, later = client.created(schedule_in=60), client.created(schedule_in=120)
    now = client.created()
    moved_clock.advance(seconds=60)

    listed = [job["id"] for job in client.get("/api/jobs?due=overdue&order_by=scheduled_at,asc").json["data"]]
    ended(client, account, filter={"due": "overdue"})

    assert listed == [now["id"], due["id"]]
    assert [state_of(client, job) for job in (due, later, now)] == ["cancelled", "scheduled", "cancelled"]


def test_an_operation_can_be_stopped(client, account):
    for _ in range(3):
        client.created(schedule_in=60)
    operation = ordered(client, all=True)
    turn_of(row_of(account, operation), 1)

    answer = client.post(f"/api/operations/{operation['id']}/cancel")

    assert (answer.json["data"]["state"], answer.json["data"]["done"]) == ("cancelled", 1)
    assert client.post(f"/api/operations/{operation['id']}/cancel").json == answer.json


def test_operations_are_listed_newest_first_in_pages(client, account, moved_clock):
    ids = []
    for _ in range(3):
        ids.append(ordered(client, all=True)["id"])
        moved_clock.advance(seconds=1)
    operation_store.cancel(account.id, ids[1], clock.now())

    first = client.get("/api/operations?limit=2")

    assert [each["id"] for each in first.json["data"]] == ids[:0:-1]
    assert [each["id"] for each in client.get(next_of(first)).json["data"]] == ids[:1]
    assert [each["id"] for each in client.get("/api/operations?state=cancelled").json["data"]] == [ids[1]]


def test_operations_of_another_account_are_not_found(client, stranger):
    operation = ordered(client, all=True)
    assert stranger.get("/api/operations").json == {"data": []}
    assert stranger.get(f"/api/operations/{operation['id']}").status_code == 404
    assert stranger.post(f"/api/operations/{operation['id']}/cancel").status_code == 404
    assert client.get(f"/api/operations/{operation['id']}").json["data"]["state"] == "running"


def test_an_account_has_so_many_running_operations_at_most(client, stranger, monkeypatch):
    monkeypatch.setattr(operation_store, "MAX_RUNNING", 2)
    first = ordered(client, all=True)
    ordered(client, all=True)
    assert client.post("/api/jobs/cancel", json={"all": True}).status_code == 409
    ordered(stranger, all=True)

    client.post(f"/api/operations/{first['id']}/cancel")

    ordered(client, all=True)


@one_database
def test_a_filter_names_up_to_a_thousand_jobs(client):
    def counted(number):
        return client.post("/api/jobs/cancel", json={"filter": {"ids": [*range(number)]}, "dry_run": True})

    assert counted(1000).json["data"] == {"matches": 0, "more": False}
    for number in (0, 1001):
        assert list(errors_of(counted(number))) == ["filter.ids"]
