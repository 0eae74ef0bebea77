"""The health of schedules, by `expand`: state, next instant, last result, failures in a row, success rate."""

import pytest

from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import firing_rows
from models.schedules.firing_rows import FiringRow
from models.schedules.schedule_tables import Schedule
from tests.support.api_client import URL, errors_of

NONE_YET = {"last_result": None, "failures_in_a_row": 0, "success_rate": None}


def made(client, **fields):
    return client.post("/api/schedules", json={"url": URL, "repeat_every": 60, **fields}).json["data"]


def health_of(client, schedule):
    return client.get(f"/api/schedules/{schedule['id']}?expand=health").json["data"]["health"]


def add_runs(client, schedule, states):
    """Runs of the schedule a second apart, whose jobs are in these states; None: a run without a job."""
    for number, state in enumerate(states):
        job_id = client.created()["job_id"] if state else None
        if state:
            Job.update(state=state).where(Job.id == job_id).execute()
        at = clock.now() + number * clock.SECOND
        firing_rows.add([FiringRow(schedule["id"], at, "fired", job_id, 0, at)])


def test_a_fresh_schedule_has_a_next_instant_and_no_result(client, moved_clock):
    schedule = made(client, schedule_in=60)
    next_at = "2026-01-01T09:01:00.000000Z"
    assert health_of(client, schedule) == {"state": "enabled", "next_at": next_at, **NONE_YET}


def test_without_expand_schedules_have_the_keys_of_the_contract(client, moved_clock):
    schedule = made(client)
    assert "health" not in schedule
    assert "health" not in client.get(f"/api/schedules/{schedule['id']}").json["data"]
    assert "health" not in client.get("/api/schedules").json["data"][0]


@pytest.mark.parametrize(("change", "state"), [({"disabled_at": 5}, "disabled"), ({"next_at": None}, "finished")])
def test_a_schedule_that_is_not_enabled_has_no_next_instant(client, moved_clock, change, state):
    schedule = made(client)
    Schedule.update(change).execute()
    assert health_of(client, schedule) == {"state": state, "next_at": None, **NONE_YET}


def test_only_jobs_that_completed_or_were_discarded_are_results(client, moved_clock):
    schedule = made(client)
    add_runs(client, schedule, ["completed", "discarded", "completed", "completed", "cancelled", "executing", None])
    Schedule.update(failures=2).execute()

    health = health_of(client, schedule)

    assert (health["success_rate"], health["failures_in_a_row"]) == (0.75, 2)
    assert (health["last_result"]["state"], health["last_result"]["fire_at"]) == (
        "completed",
        "2026-01-01T09:00:03.000000Z",
    )


def test_only_the_last_60_runs_count(client, moved_clock):
    schedule = made(client)
    add_runs(client, schedule, ["discarded"] * 2 + ["completed"] * 60)
    assert health_of(client, schedule)["success_rate"] == 1.0


def test_each_schedule_of_a_list_has_its_own_health(client, moved_clock):
    bad, good = made(client), made(client)
    add_runs(client, bad, ["discarded"])
    add_runs(client, good, ["completed"])

    listed = client.get("/api/schedules?expand=health").json["data"]

    assert {each["id"]: each["health"]["success_rate"] for each in listed} == {bad["id"]: 0.0, good["id"]: 1.0}


def test_another_expansion_is_refused(client):
    assert "expand" in errors_of(client.get("/api/schedules?expand=everything"))


def test_the_key_of_a_schedule_is_there_with_expand_and_not_without(client):
    client.ask("PUT", "/api/schedules/digest", json={"url": URL, "cron": "@daily"})
    other = made(client)

    listed = client.get("/api/schedules?expand=key,health&order_by=inserted_at,asc").json["data"]

    assert [(each["key"], each["health"]["state"]) for each in listed] == [("digest", "enabled"), (None, "enabled")]
    assert client.get("/api/schedules/digest?expand=key").json["data"]["key"] == "digest"
    assert "health" not in client.get(f"/api/schedules/{other['id']}?expand=key").json["data"]
    assert "key" not in client.get("/api/schedules/digest?expand=health").json["data"]
