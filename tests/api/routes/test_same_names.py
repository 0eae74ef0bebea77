"""Two accounts that choose the same name for something: key, label, channel, secret, address. Each has its own."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_tables import Job
from models.operations import heartbeats
from models.operations.heartbeats import MinuteRow
from models.rules import clock, signatures
from models.webhooks import channels, delivery_config, endpoints, signing_keys
from tests.support.api_client import URL
from workers.delivery.config_cache import ConfigCache
from workers.delivery.render import render_request

KEY = "/api/schedules/digest"


@pytest.fixture
def both(client, stranger, moved_clock):
    return client, stranger


def ids_of(listed):
    return [row["id"] for row in listed.json["data"]]


def account_ids():
    """The accounts of Alice and Bob, as their jobs name them."""
    return [row.account_id for row in Job.select().order_by(Job.id)]


def put_each(both, **fields):
    answers = [
        each.ask("PUT", KEY, json={"url": URL, "cron": "@daily", "name": str(n), **fields})
        for n, each in enumerate(both)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    return [answer.json["data"] for answer in answers]


def test_a_schedule_of_one_key_is_each_account_s_own(both):
    made = put_each(both)
    assert [each.get(KEY).json["data"] for each in both] == made
    assert made[0]["id"] != made[1]["id"]


@pytest.mark.parametrize("number", [0, 1])
def test_changing_a_schedule_of_one_key_leaves_the_other_account_s_alone(both, number):
    made = put_each(both)
    mine, other = both[number], both[1 - number]

    def jobs_of_other():
        return [(job.id, job.state) for job in Job.select().where(Job.schedule_id == made[1 - number]["id"])]

    before = jobs_of_other()
    again = mine.ask("PUT", KEY, json={"url": URL, "cron": "@hourly"})
    assert (again.status_code, again.json["data"]["id"]) == (200, made[number]["id"])
    mine.ask("PATCH", KEY, json={"name": "changed"})
    mine.post(f"{KEY}/disable"), mine.post(f"{KEY}/enable")
    assert mine.post(f"{KEY}/run").json["data"]["schedule_id"] == made[number]["id"]
    assert {row["status"] for row in mine.get(f"{KEY}/runs").json["data"]} <= {"disabled"}
    assert mine.ask("DELETE", KEY).status_code == 204

    assert other.get(KEY).json["data"] == made[1 - number]
    assert other.get(f"{KEY}/runs").json == {"data": []}
    assert jobs_of_other() == before


def test_equal_jobs_are_listed_for_the_account_that_made_them(both):
    fields = {"name": "same", "labels": ["same"], "idempotency_key": "same", "schedule_in": 60}
    made = [each.created(**fields)["id"] for each in both]
    for query in ("label=same", "host=example.com", "text=same", "state=scheduled", "label=same&text=SAME"):
        assert [ids_of(each.get(f"/api/jobs?{query}")) for each in both] == [[made[0]], [made[1]]], query


def test_keys_of_a_batch_are_each_account_s_own(both):
    jobs = {"jobs": [{"url": URL, "idempotency_key": key} for key in "ab"]}
    first, second = ([ids_of(each.post("/api/jobs/batch", json=jobs)) for each in both] for _ in range(2))
    assert first == second
    assert not set(first[0]) & set(first[1])


def test_a_header_key_of_another_path_or_account_is_another_key(both):
    """The fingerprint says that the key was used for something else, to the account that used it alone."""
    headers = {"Idempotency-Key": "k"}
    assert both[0].post("/api/jobs", json={"url": URL}, headers=headers).status_code == 201
    jobs = {"jobs": [{"url": URL}]}
    assert [each.post("/api/jobs/batch", json=jobs, headers=headers).status_code for each in both] == [422, 201]


def test_a_channel_of_one_name_leads_to_each_account_s_own_address(both):
    hosts = ["a.example", "b.example"]
    for each, host in zip(both, hosts, strict=True):
        each.ask("PUT", "/api/channels/slack", json={"url": f"https://{host}/services/{host}"})
        each.post("/api/channels/slack", json={"author": "alex", "content": f"to {host}"})

    claimed = lifecycle.claim([job.id for job in Job.select()], clock.now(), clock.SECOND)
    remembered = ConfigCache()
    remembered.refresh(account_ids())
    sent = [render_request(job, remembered.of(job.account_id)) for job in sorted(claimed)]
    assert [request.url for request in sent] == [f"https://{host}/services/{host}" for host in hosts]
    assert [host in json.loads(request.body)["text"] for host, request in zip(hosts, sent, strict=True)] == [True, True]

    both[0].ask("DELETE", "/api/channels/slack")
    assert both[1].get("/api/channels").json["data"][1]["host"] == "b.example"
    assert both[1].post("/api/channels/slack", json={"author": "alex", "content": "x"}).status_code == 200


def test_endpoints_and_secrets_alike_are_each_account_s_own(both):
    secret, address = signatures.new_secret(), "https://hooks.example.com/events"
    for each, types in zip(both, (["job.started"], ["job.error"]), strict=True):
        assert each.post("/api/signing-keys", json={"secret": secret}).status_code == 201
        assert each.post("/api/endpoints", json={"url": address, "types": types}).status_code == 201
        each.created()
    alice, bob = account_ids()

    [key] = signing_keys.listed(alice)
    signing_keys.retire(alice, key.uuid, clock.now(), clock.now())
    configs = delivery_config.of_accounts([alice, bob])

    assert [configs[each].secrets_at(clock.now()) for each in (alice, bob)] == [[], [secret]]
    assert [list(configs[each].subscribers_of("job.error")) for each in (alice, bob)] == [[], [address]]
    [endpoint] = endpoints.listed(alice)
    assert endpoints.delete(alice, endpoint.uuid, clock.now())
    assert [row.url for row in endpoints.listed(bob)] == [address]


def test_what_one_process_counted_in_a_minute_is_told_apart_by_account(both):
    rows = [MinuteRow(number, clock.now(), "worker", number, 0, "[]") for number in (1, 2)]
    heartbeats.record_minutes(rows)
    assert [heartbeats.minutes(number, clock.now(), 1)[0].completed for number in (1, 2)] == [1, 2]


def test_a_channel_set_by_two_accounts_shows_each_its_host(both):
    for each in both:
        each.created()
    alice, bob = account_ids()
    channels.configure(alice, "discord", "https://a.example/x", clock.now())
    channels.configure(bob, "discord", "https://b.example/x", clock.now())
    assert [channels.hosts(each)["discord"] for each in (alice, bob)] == ["a.example", "b.example"]
    assert channels.remove(alice, "discord")
    assert [channels.hosts(each)["discord"] for each in (alice, bob)] == [None, "b.example"]
