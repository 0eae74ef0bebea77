"""Bounds of schedules over HTTP: a start, an end, excluded days and a number of runs."""

import json

import pytest

from api import context
from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import planning, schedule_changes
from models.schedules.schedule_tables import Schedule
from tests.support.api_client import URL, errors_of, one_database
from tests.support.schedule_rows import make_schedule, run_ticker, waiting_jobs_of

HOURLY = {"repeat_every": [1, "hour"]}
BOUNDS = {
    "starts_at": "2026-01-02T00:00:00Z",
    "until": "2026-12-31T00:00:00Z",
    "exclude": ["2026-01-02", {"from": "2026-01-05", "to": "2026-01-09"}],
    "max_runs": 3,
}


def post(client, **fields):
    answer = client.post("/api/schedules", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def due_of(schedule):
    jobs = Job.select().where(Job.schedule_id == schedule["id"]).order_by(Job.fire_at)
    return [(job.fire_at - clock.now()) / clock.HOUR for job in jobs]


def run_hours(moved_clock, hours):
    """Let each hour's job run and complete."""
    for _ in range(hours):
        run_ticker()
        Job.update(state="completed", lease_until=None, claim_id=None).where(Job.state == "executing").execute()
        moved_clock.advance(hours=1)


def test_the_bounds_are_shown_as_they_were_sent_and_move_the_first_job(client, moved_clock):
    schedule = post(client, cron="0 9 * * *", **BOUNDS)

    [job] = waiting_jobs_of(schedule["id"])
    assert schedule["frequency"] == {"cron": "0 9 * * *", **BOUNDS}
    assert job.scheduled_at == clock.now() + 48 * clock.HOUR  # at nine of 3 January; the clock stands at nine


def test_a_schedule_makes_as_many_jobs_as_it_may_and_is_finished(client, moved_clock):
    schedule = post(client, **HOURLY, max_runs=3)
    run_hours(moved_clock, 6)

    assert due_of(schedule) == [-6, -5, -4]
    assert Schedule.get_by_id(schedule["id"]).next_at is None


def test_missed_instants_count_only_if_they_get_a_job(client, moved_clock):
    schedule = post(client, **HOURLY, max_runs=3, misfire="all", catch_up_seconds=86400)
    moved_clock.advance(hours=5)
    planning.plan(clock.now(), 10)

    assert len(due_of(schedule)) == 3


def test_a_schedule_runs_at_its_end_and_not_after_it(client, moved_clock):
    schedule = post(client, **HOURLY, until="2026-01-01T11:00:00Z")
    run_hours(moved_clock, 6)

    assert due_of(schedule) == [-6, -5, -4]


def test_an_interval_begins_at_its_start(client, moved_clock):
    schedule = post(client, **HOURLY, starts_at="2026-01-01T12:30:00Z")

    assert due_of(schedule) == [3.5]


def test_a_schedule_without_any_instant_is_refused(client, moved_clock):
    answer = client.post("/api/schedules", json={"url": URL, **HOURLY, "until": "2025-01-01T00:00:00Z"})
    job = client.post("/api/jobs", json={"url": URL, "cron": "0 9 * * *", "until": "2026-01-01T09:00:00Z"})

    assert "at least one instant" in errors_of(answer)["until"][0]
    assert "at least one instant" in errors_of(job)["until"][0]
    assert Schedule.select().count() == Job.select().count() == 0


def test_putting_one_whose_end_has_passed_is_taken_and_makes_no_job(client, moved_clock):
    body = {"url": URL, **HOURLY, "until": "2026-01-01T09:30:00Z"}
    assert client.ask("PUT", "/api/schedules/nightly", json=body).status_code == 201
    run_hours(moved_clock, 2)

    assert client.ask("PUT", "/api/schedules/nightly", json=body).status_code == 200
    assert client.ask("PUT", "/api/schedules/other", json=body).status_code == 201
    assert Job.select().count() == 1


def test_a_later_end_lets_a_finished_schedule_go_on(client, moved_clock):
    schedule = post(client, **HOURLY, max_runs=1)
    run_hours(moved_clock, 2)
    assert waiting_jobs_of(schedule["id"]) == []

    client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"max_runs": 2})

    assert len(waiting_jobs_of(schedule["id"])) == 1


@pytest.mark.parametrize(
    ("change", "is_anew"),
    [
        ({"repeat_every": 7200}, True),
        ({"starts_at": "2026-01-01T10:00:00Z"}, True),
        ({"until": "2026-11-30T00:00:00Z"}, True),
        ({"exclude": ["2027-01-01"]}, True),
        ({"max_runs": 4}, True),
        ({"name": "again"}, False),
        ({"body": "x"}, False),
        ({"misfire": "skip"}, False),
    ],
)
def test_a_change_of_the_frequency_or_of_a_bound_begins_the_count_of_runs_anew(client, moved_clock, change, is_anew):
    schedule = post(client, **HOURLY, max_runs=3)
    run_hours(moved_clock, 1)
    moved_clock.advance(minutes=-30)

    assert client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=change).status_code == 200

    moved_clock.advance(minutes=30)
    run_hours(moved_clock, 9)
    ran = Job.select().where(Job.schedule_id == schedule["id"], Job.state == "completed").count()
    assert ran == change.get("max_runs", 3) + is_anew  # the one that had run is counted no more


def test_a_change_of_the_name_lets_a_finished_schedule_be_finished(client, moved_clock):
    schedule = post(client, **HOURLY, max_runs=1)
    run_hours(moved_clock, 2)

    assert client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"name": "again"}).status_code == 200
    assert waiting_jobs_of(schedule["id"]) == []


def test_disabling_and_enabling_does_not_use_up_a_run(client, moved_clock):
    schedule = post(client, **HOURLY, starts_at="2026-01-01T10:00:00Z", max_runs=2)
    for action in ("disable", "enable", "disable", "enable"):
        assert client.post(f"/api/schedules/{schedule['id']}/{action}").status_code == 200
    run_hours(moved_clock, 5)

    completed = Job.select().where(Job.schedule_id == schedule["id"], Job.state == "completed")
    assert completed.count() == 2


def test_finished_schedules_leave_room_for_others(account, moved_clock):
    schedule_id = make_schedule(account, json.dumps({"repeat_every": [1, "hour"], "max_runs": 1}), at_most=1)
    with pytest.raises(schedule_changes.TooMany):
        make_schedule(account, at_most=1)
    moved_clock.advance(hours=2)
    planning.plan(clock.now(), 10)

    assert Schedule.get_by_id(schedule_id).next_at is None
    make_schedule(account, at_most=1)


@pytest.mark.parametrize("is_put", [False, True])
def test_a_finished_schedule_goes_on_only_where_there_is_room(client, moved_clock, is_put):
    body = {"url": URL, **HOURLY, "max_runs": 1}
    schedule = client.ask("PUT", "/api/schedules/first", json=body).json["data"]
    run_hours(moved_clock, 2)
    post(client, **HOURLY)
    object.__setattr__(client.app.extensions[context.NAME].settings, "max_schedules", 1)

    def widen(**fields):
        if is_put:
            return client.ask("PUT", "/api/schedules/first", json={**body, **fields})
        return client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=fields)

    assert "at most" not in widen(name="again").text
    assert "at most 1 enabled" in errors_of(widen(max_runs=2))[""][0]
    assert waiting_jobs_of(schedule["id"]) == []
    client.post(f"/api/schedules/{schedule['id']}/disable")
    assert widen(max_runs=2).status_code == 200  # a disabled one takes no room


@one_database
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"starts_at": "soon"}, "starts_at"),
        ({"until": "1969-12-31T00:00:00Z"}, "until"),
        ({"until": "9999-12-31T00:00:00Z"}, "until"),
        ({"max_runs": 0}, "max_runs"),
        ({"exclude": "2026-01-01"}, "exclude"),
        ({"exclude": ["2026-02-30"]}, "exclude.0"),
        ({"exclude": ["2026-01-01", {"from": "2026-01-02"}]}, "exclude.1"),
        ({"exclude": ["2026-01-01"] * 201}, "exclude"),
        ({"starts_at": "2026-01-02T00:00:00Z", "schedule_in": 5}, "starts_at"),
    ],
)
def test_a_wrong_bound_is_refused(client, fields, field):
    answer = client.post("/api/schedules", json={"url": URL, **HOURLY, **fields})

    assert answer.status_code == 422
    assert list(errors_of(answer)) == [field]
    assert ", got " in errors_of(answer)[field][0]


@one_database
@pytest.mark.parametrize("name", BOUNDS)
def test_a_job_that_runs_once_has_no_bounds(client, name):
    answer = client.post("/api/jobs", json={"url": URL, name: BOUNDS[name]})

    assert list(errors_of(answer)) == [name]


def test_the_preview_keeps_the_bounds(client, moved_clock):
    query = {"cron": "0 9 * * *", "exclude": "2026-01-02,2026-01-04/2026-01-05", "until": "2026-01-07T00:00:00Z"}
    answer = client.get("/api/schedules/preview", query_string=query)

    assert answer.json["data"]["instants"] == ["2026-01-03T09:00:00Z", "2026-01-06T09:00:00Z"]


@pytest.mark.parametrize(
    ("change", "due_in_hours"),
    [
        ({"until": "2026-03-01T00:00:00Z"}, 0.5),
        ({"max_runs": 7}, 0.5),
        ({"exclude": ["2026-01-01"]}, 14.5),
        ({"until": "2026-01-01T09:45:00Z"}, None),
        ({"repeat_every": 1800}, 0),
    ],
)
def test_an_interval_keeps_its_beat_when_only_its_bounds_change(client, moved_clock, change, due_in_hours):
    schedule = post(client, **HOURLY, schedule_in=3600, until="2026-02-01T00:00:00Z")
    moved_clock.advance(minutes=30)

    assert client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=change).status_code == 200

    next_at = Schedule.get().next_at
    assert (None if next_at is None else (next_at - clock.now()) / clock.HOUR) == due_in_hours
    assert [job.fire_at for job in waiting_jobs_of(schedule["id"])] == ([next_at] if next_at else [])
