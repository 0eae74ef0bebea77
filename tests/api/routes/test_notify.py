"""Whom Booper notifies of a job: the fields of the request, and where the follow-ups are shown."""

import json

import pytest

from models.jobs.job_tables import Job
from tests.support.api_client import URL, errors_of

HOOK = "https://hooks.example.com/a"


@pytest.mark.parametrize(
    ("fields", "notify"),
    [
        ({"callback_url": HOOK}, {"callback": HOOK}),
        ({"callback": HOOK}, {"callback": HOOK}),
        ({"failure_callback_url": HOOK}, {"failure_callback": HOOK}),
        ({"webhook_url": HOOK}, {"webhook": HOOK}),
        ({"webhook": HOOK, "callback": URL}, {"webhook": HOOK, "callback": URL}),
        ({"webhook": None, "webhook_url": HOOK}, {"webhook": HOOK}),
        ({"callback_url": None}, None),
        ({}, None),
    ],
)
def test_a_job_names_whom_to_notify(client, fields, notify):
    client.created(**fields)
    stored = Job.get().notify
    assert (json.loads(stored) if stored else None) == notify


@pytest.mark.parametrize("often", [{}, {"repeat_every": 60}])
def test_a_job_says_when_it_calls_back(client, often):
    for callback_on, kept in (("attempt", {"callback": HOOK, "callback_on": "attempt"}), ("end", {"callback": HOOK})):
        job = client.created(callback_url=HOOK, callback_on=callback_on, **often)
        assert json.loads(Job.get_by_id(job["job_id"]).notify) == kept


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"callback_on": "attempt"}, "must be absent without callback_url, got one"),
        ({"callback_on": "attempt", "failure_callback_url": HOOK}, "must be absent without callback_url, got one"),
        ({"callback_on": "start", "callback_url": HOOK}, 'must be one of end, attempt, got "start"'),
    ],
)
def test_a_callback_comes_at_the_end_or_after_each_attempt(client, fields, message):
    assert errors_of(client.create(**fields)) == {"callback_on": [message]}


@pytest.mark.parametrize("name", ["callback_url", "callback", "failure_callback_url", "webhook_url", "webhook"])
@pytest.mark.parametrize("url", ["ftp://a.example/", "https://user:pass@a.example/", "https://127.1/", 5, "x"])
def test_an_address_to_tell_is_checked_as_a_target_is(bare, client, name, url):
    errors = errors_of(client.create(**{name: url}))
    assert set(errors) == {name}
    assert errors[name][0].startswith("must ")


@pytest.mark.parametrize("name", ["callback", "webhook"])
def test_a_field_and_its_alias_exclude_each_other(client, name):
    errors = errors_of(client.create(**{name: HOOK, f"{name}_url": HOOK}))
    assert errors == {name: [f"must be absent when {name}_url is given, got both"]}


def test_a_job_and_its_callback_lead_to_one_another(client):
    job = client.created(callback_url=HOOK, webhook_url=HOOK)
    client.created(callback_url=HOOK)
    client.post(f"/api/jobs/{job['id']}/cancel")
    related = client.get(f"/api/jobs/{job['id']}/related").json["data"]

    assert [each["kind"] for each in related] == ["callback", "event"]
    assert set(related[0]) == {*job, "kind"}
    assert related[0]["args"]["body"]["job"]["id"] == job["id"]
    assert client.get(f"/api/jobs/{job['job_id']}/related?limit=1&offset=1").json["data"] == related[1:]

    [back] = client.get(f"/api/jobs/{related[0]['id']}/related").json["data"]
    assert (back["id"], back["kind"]) == (job["id"], "request")


def test_a_list_shows_follow_ups_only_on_request(client):
    job = client.created(callback_url=HOOK)
    client.post(f"/api/jobs/{job['id']}/cancel")
    assert [each["id"] for each in client.get("/api/jobs").json["data"]] == [job["id"]]
    [callback] = client.get("/api/jobs?kind=callback").json["data"]
    assert callback["args"]["url"] == HOOK
    assert client.get("/api/jobs?kind=event").json["data"] == []


@pytest.mark.parametrize("more", ["", "&host=hooks.example.com", "&state=available"])
def test_a_list_is_narrowed_to_the_follow_ups_of_a_job(client, stranger, more):
    jobs = [client.created(callback_url=HOOK) for _ in range(2)]
    for job in jobs:
        client.post(f"/api/jobs/{job['id']}/cancel")

    for key in ("id", "job_id"):
        path = f"/api/jobs?kind=callback&parent={jobs[0][key]}{more}"
        [callback] = client.get(path).json["data"]
        assert callback["args"]["body"]["job"]["id"] == jobs[0]["id"]
        assert stranger.get(path).json["data"] == []

    assert set(errors_of(client.get("/api/jobs?parent=x"))) == {"parent"}


def test_the_jobs_of_a_schedule_notify_whom_it_names(client):
    schedule_id = client.created(cron="@daily", callback_url=HOOK, webhook_url=HOOK)["schedule_id"]
    client.post(f"/api/schedules/{schedule_id}/run")
    notifications = [json.loads(job.notify) for job in Job.select().where(Job.schedule_id == schedule_id)]
    assert notifications == [{"callback": HOOK, "webhook": HOOK}] * 2
