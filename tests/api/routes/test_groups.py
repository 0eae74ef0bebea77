"""Groups of targets: kept by name, and ordered together."""

import pytest

from models.accounts import target_groups
from models.database.sql import fetch
from models.jobs import lifecycle
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.clock import SECOND
from tests.support.api_client import FORM, errors_of, one_database
from tests.support.races import at_once

TARGETS = [
    {"name": "eu", "url": "https://eu.example/hook", "headers": {"Authorization": "Bearer eu"}},
    {"name": "us", "url": "https://us.example/hook"},
]


def put(client, name="regions", targets=TARGETS):
    return client.ask("PUT", f"/api/groups/{name}", json={"targets": targets})


def order(client, **fields):
    return client.post("/api/jobs", json={"group": "regions", **fields})


def named(count):
    return [{"name": f"t{number}", "url": f"https://{number}.example/"} for number in range(count)]


def test_a_group_is_made_read_replaced_and_deleted(client, moved_clock):
    made = put(client)
    assert (made.status_code, made.json["data"]["name"]) == (201, "regions")
    moved_clock.advance(seconds=5)

    again = put(client, targets=TARGETS[:1])

    assert again.status_code == 200
    group = client.get("/api/groups/regions").json["data"]
    assert group["targets"] == TARGETS[:1]
    assert group["inserted_at"] < group["updated_at"]
    [summary] = client.get("/api/groups").json["data"]
    assert (summary["name"], summary["size"]) == ("regions", 1)
    assert client.ask("DELETE", "/api/groups/regions").status_code == 204
    assert errors_of(client.get("/api/groups/regions"), 404) == {}
    assert errors_of(client.ask("DELETE", "/api/groups/regions"), 404) == {}


def test_another_account_has_groups_of_its_own(client, stranger):
    put(client)
    assert errors_of(stranger.get("/api/groups/regions"), 404) == {}
    assert errors_of(stranger.ask("DELETE", "/api/groups/regions"), 404) == {}
    assert stranger.get("/api/groups").json["data"] == []
    assert "group" in errors_of(order(stranger))
    assert put(stranger, targets=named(1)).status_code == 201
    assert client.get("/api/groups/regions").json["data"]["targets"][0]["name"] == "eu"


@one_database
def test_a_group_has_a_hundred_targets_and_no_more(client):
    assert put(client, targets=named(100)).status_code == 201
    assert "targets" in errors_of(put(client, targets=named(101)))
    assert "targets" in errors_of(put(client, targets=[]))


@one_database
@pytest.mark.parametrize(
    ("target", "path"),
    [
        ({"name": "a"}, "targets.0.url"),
        ({"url": "https://a.example/"}, "targets.0.name"),
        ({"name": "a", "url": "ftp://a.example/"}, "targets.0.url"),
        ({"name": "a", "url": "https://a.example/", "headers": {"Host": "b"}}, "targets.0.headers.Host"),
        ({"name": "a", "url": "https://a.example/", "header": {}}, "targets.0.header"),
        ("https://a.example/", "targets.0"),
    ],
)
def test_a_wrong_target_is_422_at_its_place(client, target, path):
    assert list(errors_of(put(client, targets=[target]))) == [path]


@one_database
def test_two_targets_of_one_name_and_a_wrong_name_of_the_group_are_422(client):
    assert "targets.1.name" in errors_of(put(client, targets=[TARGETS[0], TARGETS[0]]))
    assert "name" in errors_of(put(client, name="a b"))
    assert "name" in errors_of(put(client, name="x" * 101))


@one_database
def test_an_account_has_so_many_groups_and_no_more(client, monkeypatch):
    monkeypatch.setattr(target_groups, "MAX_GROUPS", 1)
    put(client)
    assert put(client).status_code == 200
    assert put(client, name="other").status_code == 409


def test_an_order_for_a_group_makes_a_job_for_each_target(client):
    put(client)

    answer = order(client, method="post", headers={"authorization": "x", "X-A": "1"}, body={"a": 1}, labels=["l"])

    assert answer.status_code == 201
    first, second = answer.json["data"]
    assert first["args"] == {
        **{"method": "post", "url": "https://eu.example/hook", "name": "eu", "labels": ["l"]},
        **{"headers": {"X-A": "1", "Authorization": "Bearer eu"}, "body": {"a": 1}},
    }
    assert second["args"]["headers"] == {"authorization": "x", "X-A": "1"}
    assert [job["name"] for job in (first, second)] == ["eu", "us"]
    assert {row.host for row in Job.select()} == {"eu.example", "us.example"}


def test_the_jobs_of_a_set_are_listed_by_the_first(client):
    put(client)
    client.created()
    jobs = order(client).json["data"]

    for key in (jobs[0]["id"], jobs[0]["job_id"]):
        listed = client.get(f"/api/jobs?parent={key}&order_by=job_id,desc").json["data"]
        assert [job["id"] for job in reversed(listed)] == [job["id"] for job in jobs]
    assert client.get(f"/api/jobs/{jobs[0]['id']}/related").json["data"] == []
    assert client.get(f"/api/jobs/{jobs[1]['id']}/related").json["data"] == []


def test_each_job_of_a_set_is_tried_again_and_cancelled_by_itself(client, moved_clock):
    put(client)
    first, second = order(client, max_attempts=2).json["data"]
    [claim] = lifecycle.claim([first["job_id"]], clock.now(), SECOND)
    lifecycle.retry([(claim, clock.now() + SECOND)])
    client.post(f"/api/jobs/{second['id']}/cancel")
    states = {row.id: row.state for row in Job.select()}
    assert states == {first["job_id"]: "retryable", second["job_id"]: "cancelled"}


def test_one_key_makes_a_set_once(client):
    put(client)
    first, again = (order(client, schedule_in=60, idempotency_key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert [job["id"] for job in again.json["data"]] == [job["id"] for job in first.json["data"]]
    assert [job["job"]["has_confict"] for job in again.json["data"]] == [True, True]
    assert [job["job"]["has_confict"] for job in first.json["data"]] == [False, False]
    assert Job.select().count() == 2


def test_of_orders_with_one_key_at_once_one_makes_the_set(client):
    put(client)
    answers = at_once(*[lambda: order(client, schedule_in=60, idempotency_key="k")] * 6)
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert {tuple(job["id"] for job in answer.json["data"]) for answer in answers} == {
        tuple(job["id"] for job in answers[0].json["data"])
    }
    assert Job.select().count() == 2


def test_a_window_makes_a_set_once(client):
    put(client)
    first, again = (order(client, dedup={"key": "x", "for": "10m"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert [job["id"] for job in again.json["data"]] == [job["id"] for job in first.json["data"]]


CONTENT = {"dedup": {"content": True, "for": "10m"}, "body": {"a": 1}}


@pytest.mark.parametrize("targets", [TARGETS, TARGETS[::-1]])
def test_orders_that_send_the_same_to_the_same_targets_are_one(client, targets):
    put(client)
    first = order(client, **CONTENT)
    put(client, targets=targets)

    again = order(client, **CONTENT)

    assert (first.status_code, again.status_code) == (201, 200)
    assert [job["id"] for job in again.json["data"]] == [job["id"] for job in first.json["data"]]


@pytest.mark.parametrize("targets", [TARGETS[:1], [TARGETS[0], {"name": "ap", "url": "https://ap.example/hook"}]])
def test_orders_for_other_targets_are_others_although_the_first_is_the_same(client, targets):
    """The order for the second group was answered with the jobs of the first, so its other targets got nothing."""
    put(client)
    order(client, **CONTENT)
    put(client, targets=targets)

    other = order(client, **CONTENT)

    assert other.status_code == 201
    assert [job["args"]["url"] for job in other.json["data"]] == [target["url"] for target in targets]


def test_a_single_order_takes_no_window_of_a_set_and_a_set_none_of_it(client):
    put(client)
    alone = {"url": TARGETS[0]["url"], "headers": TARGETS[0]["headers"], **CONTENT}

    answers = [client.post("/api/jobs", json=alone), order(client, **CONTENT), client.post("/api/jobs", json=alone)]

    assert [answer.status_code for answer in answers] == [201, 201, 200]
    assert len(answers[1].json["data"]) == 2


def test_the_header_replays_the_whole_set(client):
    put(client)
    headers = {"Idempotency-Key": "k"}
    first, again = (client.post("/api/jobs", json={"group": "regions"}, headers=headers) for _ in range(2))
    assert first.json == again.json
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert Job.select().count() == 2


def test_jobs_of_a_set_join_the_flow_and_the_lane_of_the_order(client):
    put(client)
    order(client, flow={"key": "f", "concurrency": 1}, lane="l")
    assert (
        len(fetch("SELECT DISTINCT flow_id, lane_id FROM job WHERE flow_id IS NOT NULL AND lane_id IS NOT NULL")) == 1
    )


def test_each_job_of_a_set_has_the_callback_of_the_order(client):
    put(client)
    order(client, callback_url="https://a.example/done")
    assert {row.notify for row in Job.select()} == {'{"callback":"https://a.example/done"}'}


def test_a_form_may_name_a_group(client):
    put(client)
    answer = client.post("/api/jobs", data=b"group=regions&body[a]=1", content_type=FORM)
    assert len(answer.json["data"]) == 2


def test_a_group_that_is_changed_leaves_the_jobs_that_were_ordered(client):
    put(client)
    jobs = order(client, schedule_in=60).json["data"]
    client.ask("DELETE", "/api/groups/regions")
    assert client.get(f"/api/jobs/{jobs[1]['id']}").json["data"]["args"]["url"] == "https://us.example/hook"


@one_database
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"group": "missing"}, "group"),
        ({"url": "https://a.example/"}, "group"),
        ({"group": 7}, "group"),
        ({"group": "a b"}, "group"),
        ({"query": {"q": "x" * 8180}}, "group"),
        ({"headers": {f"X-{number}": "v" for number in range(50)}}, "group"),
    ],
)
def test_a_wrong_order_for_a_group_is_422_and_stores_nothing(client, fields, path):
    put(client)
    assert path in errors_of(order(client, **fields))
    assert Job.select().count() == 0


@one_database
def test_without_url_and_group_an_order_is_422_as_before(client):
    assert errors_of(client.post("/api/jobs", json={})) == {"url": ["must be an https URL, got nothing"]}


@one_database
def test_a_batch_takes_no_group(client):
    put(client)
    [item] = client.post("/api/jobs/batch", json={"jobs": [{"group": "regions"}]}).json["data"]
    assert "group" in item["error"]["errors"]


def test_a_schedule_may_name_a_group_and_change_it(client):
    put(client)
    put(client, name="other", targets=named(1))

    answer = client.post("/api/schedules", json={"group": "regions", "cron": "@daily"})

    assert answer.status_code == 201
    schedule = answer.json["data"]
    assert schedule["args"] == {"group": "regions", "cron": "@daily"}
    [job] = client.get("/api/jobs?kind=group").json["data"]
    assert (job["schedule_id"], job["job"]["state"]) == (schedule["id"], "scheduled")
    changed = client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"group": "other"})
    assert changed.json["data"]["args"]["group"] == "other"
    changed = client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"url": "https://a.example/"})
    assert changed.json["data"]["args"] == {"cron": "@daily", "url": "https://a.example/"}
    assert [job["args"]["url"] for job in client.get("/api/jobs?state=scheduled").json["data"]] == [
        "https://a.example/"
    ]


def test_an_order_that_recurs_may_name_a_group(client):
    put(client)
    job = client.post("/api/jobs", json={"group": "regions", "repeat_every": 60}).json["data"]
    assert job["schedule_id"] is not None
    assert client.ask("PUT", "/api/schedules/mine", json={"group": "regions", "cron": "@daily"}).status_code == 201
    assert client.ask("PUT", "/api/schedules/mine", json={"group": "regions", "cron": "0 0 * * *"}).status_code == 200


@one_database
def test_a_schedule_that_names_a_missing_group_is_422(client):
    for method, path in (("POST", "/api/schedules"), ("PUT", "/api/schedules/mine"), ("POST", "/api/jobs")):
        assert "group" in errors_of(client.ask(method, path, json={"group": "missing", "cron": "@daily"})), path
    assert Job.select().count() == 0
