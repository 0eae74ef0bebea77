"""POST /api/jobs with `dedup`: which orders are the same, for how long, and what they get."""

import pytest

from models.database.sql import execute
from models.jobs import lifecycle, replays
from models.jobs.job_tables import DedupWindow, Job
from models.operations import cancelling
from models.rules import clock
from tests.support.api_client import URL, errors_of
from tests.support.races import map_at_once
from tests.support.results import answered, result_of
from tests.support.rows import claim_of, reread
from workers.delivery.recorder import record

BY_KEY = {"dedup": {"key": "k", "for": "10m"}}
BY_CONTENT = {"dedup": {"content": True, "for": "10m"}}


def order(client, **fields):
    answer = client.create(**fields)
    assert answer.status_code in (200, 201), answer.text
    return answer.json["data"]


def conflicts(*jobs):
    return [job["job"]["has_confict"] for job in jobs]


def jobs_made(client, *orders):
    """How many jobs these orders made."""
    return len({order(client, **fields)["id"] for fields in orders})


@pytest.mark.parametrize("dedup", [BY_KEY, BY_CONTENT])
def test_within_the_window_the_first_job_is_answered(client, moved_clock, dedup):
    first = order(client, **dedup)
    moved_clock.advance(seconds=599)
    second = client.create(**dedup)

    assert (second.status_code, second.json["data"]["id"]) == (200, first["id"])
    assert conflicts(first, second.json["data"]) == [False, True]
    assert Job.select().count() == 1


@pytest.mark.parametrize("dedup", [BY_KEY, BY_CONTENT])
def test_after_the_window_another_one_is_made(client, moved_clock, dedup):
    first = order(client, **dedup)
    moved_clock.advance(seconds=600)
    second = order(client, **dedup)
    third = order(client, **dedup)

    assert conflicts(first, second, third) == [False, False, True]
    assert second["id"] != first["id"]
    assert third["id"] == second["id"]


def test_a_window_is_ten_minutes_long_if_nothing_else_is_said(client, moved_clock):
    order(client, dedup={"key": "k"})
    assert DedupWindow.get().expires_at == clock.now() + 600 * clock.SECOND


def test_the_first_job_is_answered_also_after_it_has_run(client):
    job = Job.get_by_id(order(client, **BY_KEY)["job_id"])
    record([result_of(claim_of(job), answered())])

    again = order(client, **BY_KEY)

    assert (again["id"], again["job"]["state"], again["job"]["has_confict"]) == (str(job.uuid), "completed", True)


def test_a_cancelled_job_keeps_its_window(client, account, moved_clock):
    first = order(client, **BY_KEY)
    cancelling.cancel(account.id, first["job_id"], clock.now())

    assert order(client, **BY_KEY)["job"]["state"] == "cancelled"


def test_a_deleted_job_ends_its_window(client, moved_clock):
    first = order(client, **BY_KEY)
    execute("UPDATE job SET state = 'completed', completed_at = 1, inserted_at = 1")
    lifecycle.prune(0, {"completed": clock.now()}, 10)

    assert conflicts(order(client, **BY_KEY), order(client, **BY_KEY)) == [False, True]
    assert Job.get().uuid != first["id"]


def test_another_key_has_another_window(client):
    assert jobs_made(client, {"dedup": {"key": "a"}}, {"dedup": {"key": "b"}}, {}) == 3


def test_a_key_counts_whatever_is_ordered(client):
    assert jobs_made(client, BY_KEY, BY_KEY | {"method": "post", "body": {"a": 1}}) == 1


CONTENT = {"method": "post", "body": {"a": 1}, "headers": {"X-A": "1", "X-B": "2"}, "query": {"q": 1}}


@pytest.mark.parametrize(
    "other",
    [
        {"headers": {"x-b": "2", "X-a": "1"}},
        {"headers": CONTENT["headers"] | {"traceparent": "00-1-2-01", "X-Request-Id": "5", "Date": "now"}},
        {"name": "another", "schedule_in": 60, "timeout": 5, "labels": ["x"]},
        {"url": f"{URL}?q=1", "query": {}},
        {"dedup": {"content": True, "for": "1h"}},
    ],
)
def test_orders_of_one_content_are_the_same(client, other):
    assert jobs_made(client, BY_CONTENT | CONTENT, BY_CONTENT | CONTENT | other) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"method": "put"},
        {"url": f"{URL}/2"},
        {"query": {"q": 2}},
        {"body": {"a": 2}},
        {"body": '{"a": 1}'},
        {"body": None},
        {"headers": {"X-A": "1"}},
        {"headers": {"X-A": "1", "X-B": "3"}},
    ],
)
def test_orders_of_another_content_are_others(client, other):
    assert jobs_made(client, BY_CONTENT | CONTENT, BY_CONTENT | CONTENT | other) == 2


def test_a_key_is_no_content(client):
    assert jobs_made(client, BY_KEY, BY_CONTENT) == 2


def test_another_account_has_windows_of_its_own(client, stranger):
    assert order(client, **BY_KEY)["id"] != order(stranger, **BY_KEY)["id"]


def test_a_window_holds_beside_the_idempotency_key(client):
    """The job that holds the key holds the window from then on."""
    holder = order(client, idempotency_key="i")
    assert order(client, idempotency_key="i", **BY_KEY)["id"] == holder["id"]
    assert order(client, **BY_KEY)["id"] == holder["id"]


def test_a_window_works_in_a_flow_and_sets_no_limits_the_second_time(client):
    orders = [{"flow": {"key": "f", "concurrency": number}} | BY_KEY for number in (1, 2)]
    assert jobs_made(client, *orders) == 1
    assert client.get("/api/flows/f").json["data"]["concurrency"] == 1


def test_in_a_batch_the_first_of_each_window_is_made(client):
    before = order(client, dedup={"key": "before"})
    keys = ["a", "b", "a", None, "before", "b"]
    jobs = [{"url": URL} | ({"dedup": {"key": key}} if key else {}) for key in keys]

    items = client.post("/api/jobs/batch", json={"jobs": jobs}).json["data"]

    assert conflicts(*items) == [False, False, True, False, True, True]
    ids = [item["id"] for item in items]
    assert (ids[2], ids[4], ids[5]) == (ids[0], before["id"], ids[1])
    assert Job.select().count() == 4


@pytest.mark.parametrize("dedup", [BY_KEY, BY_CONTENT])
def test_a_hundred_orders_at_once_make_one_job(client, dedup):
    answers = sum(map_at_once(lambda _: [client.create(**dedup) for _ in range(5)], range(20)), [])

    assert len(answers) == 100
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert len({answer.json["data"]["id"] for answer in answers}) == Job.select().count() == 1


def test_a_hundred_orders_at_once_at_the_end_of_a_window_make_one_job(client, moved_clock):
    order(client, **BY_KEY)
    moved_clock.advance(seconds=600)

    answers = sum(map_at_once(lambda _: [client.create(**BY_KEY) for _ in range(5)], range(20)), [])

    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert Job.select().count() == 2


def test_batches_at_once_with_the_same_windows_in_other_orders_make_each_job_once(client):
    jobs = [{"url": URL, "dedup": {"key": str(number)}} for number in range(30)]

    answers = map_at_once(
        lambda turn: client.post("/api/jobs/batch", json={"jobs": jobs[turn:] + jobs[:turn]}), range(0, 30, 4)
    )

    assert {answer.status_code for answer in answers} == {201}
    assert Job.select().count() == 30


@pytest.mark.parametrize(
    ("dedup", "path"),
    [
        ("k", "dedup"),
        ({}, "dedup.key"),
        ({"for": 60}, "dedup.key"),
        ({"key": "k", "content": True}, "dedup.key"),
        ({"key": ""}, "dedup.key"),
        ({"key": "x" * 256}, "dedup.key"),
        ({"key": 5}, "dedup.key"),
        ({"key": "a\nb"}, "dedup.key"),
        ({"content": False}, "dedup.content"),
        ({"content": 1}, "dedup.content"),
        ({"key": "k", "for": 0.5}, "dedup.for"),
        ({"key": "k", "for": [31, "days"]}, "dedup.for"),
        ({"key": "k", "for": "soon"}, "dedup.for"),
        ({"key": "k", "window": 60}, "dedup.window"),
    ],
)
def test_a_window_that_is_none_is_refused_where_it_is_wrong(client, dedup, path):
    [(where, [message])] = errors_of(client.create(dedup=dedup)).items()
    assert where.strip(".") == path
    assert message == "unknown field" or (message.startswith("must be ") and "got " in message)


@pytest.mark.parametrize("often", [{"repeat_every": 60}, {"cron": "@daily"}])
def test_what_recurs_has_no_window(client, often):
    assert "dedup" in errors_of(client.create(**often, **BY_KEY))
    assert "dedup" in errors_of(client.post("/api/schedules", json={"url": URL, **often, **BY_KEY}))


def test_a_job_that_is_run_again_takes_no_notice_of_the_window(client, account):
    job = order(client, **BY_KEY)

    [again] = replays.replay(account.id, [job["job_id"]], clock.now())

    assert str(again.uuid) != job["id"]
    assert reread(again).state == "available"
