"""Equal definitions of a schedule change nothing, whatever their spelling; others do."""

import json

import pytest

from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules.schedule_tables import Schedule

PATH = "/api/schedules/nightly"
URL = "https://example.com/hook"
DEFINITION = {"url": URL, "repeat_every": 60}


def put(client, fields, status):
    answer = client.ask("PUT", PATH, json=fields)
    assert answer.status_code == status, answer.text
    return answer.json["data"]


def jobs():
    return [(job.id, job.state, job.scheduled_at) for job in Job.select().where(Job.kind == "request").order_by(Job.id)]


def base(**fields):
    return DEFINITION | fields


def cron(text, **fields):
    return {"url": URL, "cron": text, **fields}


SAME = [
    (base(), base(repeat_every=60.0)),
    (base(), base(repeat_every=[1, "minute"])),
    (base(repeat_every=[60, "seconds"]), base(repeat_every=[1.0, "minutes"])),
    (base(name="a", labels=["x", "y"]), {"labels": ["y", "x"], "repeat_every": 60, "name": "a", "url": URL}),
    (base(), base(method="GET", timeout=30, max_attempts=20, backoff="engine", labels=[], redact=[], headers={})),
    (base(), base(overlap="skip", misfire="once", catch_up_seconds=3600, jitter_seconds=0, query={}, name=None)),
    (base(headers={"X-A": "1", "x-b": "2"}), base(headers={"X-B": "2", "x-a": "1"})),
    (base(url="https://example.com"), base(url="HTTPS://EXAMPLE.com:443/")),
    (base(method="post", body={"a": 1, "b": [2]}), base(method="POST", body={"b": [2], "a": 1})),
    (base(backoff=[1, 60]), base(backoff={"delays": [1.0, 60.0]})),
    (base(backoff={"fixed": 60}), base(backoff={"fixed": 60.0})),
    (
        base(backoff={"exponential": {"base": 1, "factor": 2, "cap": 9}}),
        base(backoff={"exponential": {"cap": 9, "factor": 2.0, "base": 1}}),
    ),
    (base(redact=["X-A", "body"]), base(redact=["BODY", "x-a"])),
    (base(max_age=60), base(max_age=[1, "minute"])),
    (base(success={"status": ["2XX", 409]}), base(success={"status": ["409", "2xx"]})),
    (base(flow={"key": "a", "rate": 9, "per": "1m"}), base(flow={"per": 60, "rate": 9, "key": "a"})),
    (base(flow={"key": "a", "rate": 9, "per": 60}), base(flow={"key": "a", "rate": 8, "per": 60})),  # the flow's own
    (base(lane="a"), base(lane={"key": "a"})),
    (base(callback=URL, webhook_url=URL), base(callback_url=URL, webhook=URL)),
    (base(schedule_in=30), base(schedule_in=[0.5, "minutes"])),
    (base(schedule_in=30), base(schedule_in=300)),  # when the first job is due says nothing about one that exists
    (cron("@daily"), cron("0 0 * * *")),
    (cron("0 9 * * MON-FRI"), cron("00  09 * * 1-5")),
    (cron("0 9 * JAN,mar sun"), cron("0 9 * 3,1 7")),
    (cron("*/15 * * * *"), cron("*/15 */1 */1 * *")),
    (cron("0,30 9 1 * *"), cron("0-30/30 9 1 1-12 *")),
    (cron("0 9 * * *"), cron("0 9 * * *", timezone="UTC")),
    (cron("0 9 * * *", timezone="Etc/UTC"), cron("0 9 * * *", timezone="Zulu")),
    (cron("0 9 * * *", timezone="Asia/Calcutta"), cron("0 9 * * *", timezone="Asia/Kolkata")),
]
OTHER = [
    (base(), base(name="a")),
    (base(), base(method="post")),
    (base(), base(timeout=31)),
    (base(), base(overlap="allow")),
    (base(), base(labels=["x"])),
    (base(), base(url=f"{URL}/2")),
    (base(url=f"{URL}/a"), base(url=f"{URL}/A")),
    (base(headers={"X-A": "a"}), base(headers={"X-A": "A"})),
    (base(query={"a": 1}), base(query={"a": 1.0})),  # a=1 and a=1.0
    (base(method="post", body={"a": 1}), base(method="post", body={"a": 1.0})),
    (base(method="post", body={"a": True}), base(method="post", body={"a": 1})),
    (base(method="post", body="a"), base(method="post", body="a ")),
    (base(method="post", body=[1, 2]), base(method="post", body=[2, 1])),
    (base(backoff=[1, 2]), base(backoff=[2, 1])),
    (base(backoff={"fixed": 60}), base(backoff={"fixed": 60, "jitter": "full"})),
    (base(callback_url=URL), base(failure_callback_url=URL)),
    (base(flow={"key": "a"}), base(flow={"key": "b"})),
    (base(), base(lane="a")),
    (base(), base(stop_on=["4xx"])),
    (base(success={"body": "a"}), base(success={"body": "A"})),
]
MOVED = [
    (base(), base(repeat_every=61)),
    (base(repeat_every=86400), cron("0 9 * * *")),
    (cron("0 10 * * *"), cron("0 11 * * *")),
    (cron("0 10 * * *", timezone="Europe/Berlin"), cron("0 10 * * *", timezone="Europe/London")),
    (cron("0 10 1 * 1"), cron("0 10 1 * *")),
    (cron("0 10 * * 1"), cron("0 10 1-31 * 1")),  # or in place of and
    (cron("0 0-23 * * *"), cron("0 * * * *")),  # fixed times of day, and every hour of the clock
]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("first", "second"), [*SAME, *[(b, a) for a, b in SAME]])
def test_r4_another_spelling_changes_nothing(client, moved_clock, first, second):
    before = put(client, {"schedule_in": 60} | first, 201)
    moved_clock.advance(seconds=7)
    waiting = jobs()

    after = put(client, second, 200)

    assert jobs() == waiting
    assert after["id"] == before["id"]
    assert after["args"] == put(client, second, 200)["args"]  # as it was sent
    assert jobs() == waiting


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("first", "second"), OTHER)
def test_another_meaning_replaces_the_waiting_job_at_its_instant(client, moved_clock, first, second):
    put(client, first | {"schedule_in": 60}, 201)
    [(old_id, _, due_at)] = jobs()
    moved_clock.advance(seconds=7)

    put(client, second, 200)

    assert [(job_id == old_id, state, at) for job_id, state, at in jobs()] == [
        (True, "cancelled", due_at),
        (False, "scheduled", due_at),
    ]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("first", "second"), MOVED)
def test_another_frequency_moves_the_instants(client, moved_clock, first, second):
    put(client, first | {"schedule_in": 60}, 201)
    put(client, second, 200)
    assert [state for _, state, _ in jobs()][0] == "cancelled"
    assert len(jobs()) == 2


def test_a_definition_of_an_earlier_version_is_the_same(client, moved_clock):
    """It stored fewer fields, and the first deployment after an update would have replaced every waiting job."""
    put(client, base(schedule_in=60), 201)
    [row] = Schedule.select()
    fields = {
        name: value for name, value in json.loads(row.template).items() if name not in ("gates", "labels", "hops")
    }
    Schedule.update(template=json.dumps(fields)).execute()
    waiting = jobs()
    put(client, base(), 200)
    assert jobs() == waiting


def test_r4_a_deployment_that_declares_its_schedule_again_does_not_fire_it(client, moved_clock):
    """It fired at each deployment."""
    put(client, base(), 201)
    moved_clock.advance(seconds=10)
    put(client, base(repeat_every=60.0), 200)
    assert [due_at for _, _, due_at in jobs()] == [clock.now() - 10 * clock.SECOND, clock.now() + 50 * clock.SECOND]


def test_a_patch_with_another_spelling_moves_nothing(client, moved_clock):
    put(client, base(), 201)
    moved_clock.advance(seconds=10)
    waiting = jobs()
    assert client.ask("PATCH", PATH, json={"repeat_every": [1, "minute"]}).status_code == 200
    assert jobs()[: len(waiting)] == waiting
