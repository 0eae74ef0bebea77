"""GET /api/stats: what the overview shows."""

import json

from models.operations import heartbeats
from models.operations.heartbeats import Depths, MinuteRow, WorkerRow
from models.rules import clock, lateness
from tests.support.rows import make_job


def stats(client):
    return client.get("/api/stats").json["data"]


def test_jobs_are_counted_by_situation(client, stranger, account, moved_clock):
    for state, due_in_s in (
        ("available", 0),
        ("scheduled", -1),
        ("scheduled", 60),
        ("retryable", 60),
        ("executing", 0),
    ):
        make_job(account, state, due_in_s)
    make_job(account, "completed")
    assert stats(client)["jobs"] == {"due": 2, "running": 1, "waiting": 2, "failing": 1}
    assert stats(stranger)["jobs"] == {"due": 0, "running": 0, "waiting": 0, "failing": 0}


def test_the_last_hour_is_told_minute_by_minute(client, stranger, account, moved_clock):
    row = MinuteRow(account.id, clock.now(), "w", 3, 1, json.dumps([4, *lateness.empty()[1:]]))
    heartbeats.record_minutes([row, row._replace(minute_at=clock.now() - 60 * clock.MINUTE)])
    minutes = stats(client)["minutes"]
    assert len(minutes) == 60
    assert (minutes[-1]["at"], minutes[-1]["completed"], minutes[-1]["failed"]) == ("2026-01-01T09:00:00.000000Z", 3, 1)
    assert minutes[-1]["lateness_p99_ms"] > 0
    assert {minute["completed"] for minute in minutes[:-1]} == {0}
    assert minutes[0]["lateness_p50_ms"] is None
    assert {minute["completed"] for minute in stats(stranger)["minutes"]} == {0}


def test_the_lateness_of_a_minute_is_told_by_two_percentiles(client, account, moved_clock):
    counts = lateness.empty()
    counts[0], counts[-2] = 90, 10
    heartbeats.record_minutes([MinuteRow(account.id, clock.now(), "w", 100, 0, json.dumps(counts))])

    minute = stats(client)["minutes"][-1]

    assert minute["lateness_p50_ms"] == lateness.percentile(counts, 0.5) / 1000 < 1
    assert minute["lateness_p99_ms"] == lateness.percentile(counts, 0.99) / 1000 > 300_000


def test_the_queue_and_the_workers_that_live_are_shown(client, moved_clock):
    assert stats(client)["queue"] == {"ready": None, "delayed": None, "dead": None}
    now = clock.now()
    heartbeats.record_depths(Depths(1, 2, 3, now))
    heartbeats.record_heartbeat(WorkerRow("a", "h", 1, "0", 8, 2, now, now))
    heartbeats.record_heartbeat(WorkerRow("b", "h", 1, "0", 8, 2, now, now - heartbeats.ALIVE_US - 1))
    assert stats(client)["queue"] == {"ready": 1, "delayed": 2, "dead": 3}
    assert stats(client)["workers"] == {"running": 1, "slots": 8, "slots_in_use": 2}


def test_the_next_jobs_come_soonest_first(client, stranger, moved_clock):
    later, sooner = client.created(schedule_in=120, name="later"), client.created(schedule_in=60)
    stranger.created(schedule_in=1)
    first, second = stats(client)["next_jobs"]
    assert (first["id"], second["id"]) == (sooner["id"], later["id"])
    assert second == {
        **{"id": later["id"], "job_id": later["job_id"], "name": "later", "state": "scheduled"},
        "scheduled_at": "2026-01-01T09:02:00.000000Z",
    }


def test_no_more_than_twenty_of_the_next_jobs_are_shown(client, account, moved_clock):
    jobs = [make_job(account, "scheduled", 100 - number).id for number in range(21)]

    assert [job["job_id"] for job in stats(client)["next_jobs"]] == jobs[:0:-1]
