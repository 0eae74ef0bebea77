"""A schedule that names a group, from its order to the requests of its targets, in one process."""

from models.accounts import account_store
from models.jobs.job_tables import Job
from models.rules import clock
from runtime.settings import load
from tests.support.api_client import ApiClient
from tests.support.apps import app_of
from tests.support.waiting import wait_until


def test_a_schedule_that_names_a_group_sends_to_each_of_its_targets(account, embedded, receiver):
    client = ApiClient(app_of(load({})), account_store.create_key(account, "test", clock.now())[1])
    targets = [{"name": name, "url": f"{receiver.url}/{name}", "headers": {"X-Name": name}} for name in ("a", "b")]
    client.ask("PUT", "/api/groups/both", json={"targets": targets})
    ordered = {"group": "both", "cron": "0 0 1 1 *", "method": "post", "body": {"x": 1}}
    schedule = client.post("/api/schedules", json=ordered).json["data"]

    run = client.post(f"/api/schedules/{schedule['id']}/run").json["data"]

    wait_until(lambda: Job.select().where(Job.state == "completed").count() == 3)
    assert sorted((arrival.path, arrival.headers["X-Name"]) for arrival in receiver.arrivals) == [
        ("/a", "a"),
        ("/b", "b"),
    ]
    listed = client.get(f"/api/jobs?parent={run['id']}").json["data"]
    assert {job["schedule_id"] for job in listed} == {schedule["id"]}
    assert [job["name"] for job in reversed(listed)] == ["a", "b"]
    attempts = client.get(f"/api/jobs/{run['id']}/attempts").json["data"]
    assert [(attempt["outcome"], attempt["reason"]) for attempt in attempts] == [("answered", None)]
