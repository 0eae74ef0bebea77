"""Cron over HTTP: the working day nearest to a day, and a second before the five fields."""

import pytest

from runtime import settings as booper_settings
from tests.support.api_client import URL, errors_of, one_database
from tests.support.schedule_rows import waiting_jobs_of

pytestmark = one_database


@pytest.fixture
def settings(request):
    return booper_settings.load({"BOOPER_MIN_INTERVAL_SECONDS": getattr(request, "param", "1")})


def instants_of(client, cron, count=3):
    query = {"cron": cron, "count": count, "from": "2026-08-01T00:00:00Z"}
    return client.get("/api/schedules/preview", query_string=query).json["data"]["instants"]


def test_the_working_day_nearest_to_a_day_is_due(client):
    assert instants_of(client, "0 9 15W * *") == [
        "2026-08-14T09:00:00Z",
        "2026-09-15T09:00:00Z",
        "2026-10-15T09:00:00Z",
    ]


def test_a_schedule_of_seconds_has_a_job_at_its_next_second(client, moved_clock):
    answer = client.post("/api/schedules", json={"url": URL, "cron": "*/10 * * * * *"})

    assert answer.status_code == 201
    [job] = waiting_jobs_of(answer.json["data"]["id"])
    assert job.fire_at == moved_clock.now + 10_000_000


@pytest.mark.parametrize(
    ("cron", "settings", "taken"),
    [
        ("*/10 * * * * *", "10", True),
        ("*/10 * * * * *", "11", False),
        ("0,55 * * * * *", "6", False),
        ("30 * * * * *", "3600", True),
        ("* * * * *", "3600", True),
        ("* * * * * *", "0.5", True),
    ],
    indirect=["settings"],
)
def test_seconds_are_as_far_apart_as_the_operator_says(client, settings, cron, taken):
    answer = client.post("/api/schedules", json={"url": URL, "cron": cron})

    if taken:
        assert answer.status_code == 201
    else:
        assert f"at least {settings.min_interval_s:g} apart" in errors_of(answer)["cron"][0]
