"""Schedules over HTTP: create, show, change, disable, enable, delete, and what came of their instants."""

import json

import pytest

from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import firing_rows, planning, schedule_changes
from models.schedules.firing_rows import FiringRow
from models.schedules.schedule_tables import Schedule
from tests.support.api_client import URL, errors_of, one_database

EIGHT = {"id", "name", "description", "inserted_at", "disabled_at", "user_id", "frequency", "args"}


def post_schedule(client, **fields):
    answer = client.post("/api/schedules", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def jobs_made_by(schedule):
    return list(Job.select().where(Job.schedule_id == schedule["id"]).order_by(Job.id))


def test_a_job_with_repeat_every_makes_a_schedule_and_its_first_job(client, moved_clock):
    job = client.created(repeat_every=[2, "minutes"], schedule_in=[1, "hour"])
    schedule = client.get(f"/api/schedules/{job['schedule_id']}").json["data"]
    assert job["job"]["scheduled_at"] == "2026-01-01T10:00:00.000000Z"
    assert set(schedule) == EIGHT
    assert schedule["frequency"] == {"repeat_every": [2, "minutes"]}
    assert schedule["args"] == job["args"] == {"url": URL, "repeat_every": [2, "minutes"], "schedule_in": [1, "hour"]}


def test_a_recurring_job_without_a_first_time_is_due_at_once(client, moved_clock):
    assert client.created(repeat_every=60)["job"]["state"] == "available"


def test_a_cron_job_is_due_at_the_next_instant_in_its_zone(client, moved_clock):
    job = client.created(cron="30 10 * * *", timezone="Europe/Berlin")
    assert job["job"]["scheduled_at"] == "2026-01-01T09:30:00.000000Z"
    [schedule] = client.get("/api/schedules").json["data"]
    assert schedule["frequency"] == {"cron": "30 10 * * *", "timezone": "Europe/Berlin"}


@one_database
@pytest.mark.parametrize(
    ("first", "due"),
    [
        ({"scheduled_at": "2026-01-03T12:00:00Z"}, "2026-01-03T12:00:00.000000Z"),
        ({"scheduled_at": "2026-01-03T12:00:00.000001Z"}, "2026-01-04T12:00:00.000000Z"),
        ({"schedule_in": [3, "hours"]}, "2026-01-01T12:00:00.000000Z"),
        ({"schedule_in": [4, "hours"]}, "2026-01-02T12:00:00.000000Z"),
        ({}, "2026-01-01T12:00:00.000000Z"),
    ],
)
def test_a_first_time_is_the_first_instant_if_it_fits_cron(client, moved_clock, first, due):
    assert client.created(cron="0 12 * * *", **first)["job"]["scheduled_at"] == due


def test_a_form_makes_a_schedule_as_the_original_showed_it(client, moved_clock):
    form = "url=https://example.com/hook&method=post&body[content]=hi&cron=0+9+*+*+1-5"
    answer = client.post("/api/jobs", data=form, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 201, answer.text
    assert answer.json["data"]["job"]["scheduled_at"] == "2026-01-02T09:00:00.000000Z"


def test_disabling_cancels_the_waiting_job_and_enabling_makes_it_again(client, moved_clock):
    schedule = post_schedule(client, cron="0 12 * * *")
    disabled = client.post(f"/api/schedules/{schedule['id']}/disable").json["data"]
    assert disabled["disabled_at"] == "2026-01-01T09:00:00Z"
    assert [job.state for job in jobs_made_by(schedule)] == ["cancelled"]
    enabled = client.post(f"/api/schedules/{schedule['id']}/enable").json["data"]
    assert enabled["disabled_at"] is None
    assert [job.state for job in jobs_made_by(schedule)] == ["cancelled", "scheduled"]


def test_instants_that_pass_while_it_is_disabled_are_rows(client, moved_clock):
    schedule = post_schedule(client, repeat_every=[1, "hour"])
    client.post(f"/api/schedules/{schedule['id']}/disable")
    moved_clock.advance(hours=3)
    client.post(f"/api/schedules/{schedule['id']}/enable")

    rows = client.get(f"/api/schedules/{schedule['id']}/runs").json["data"]

    assert [(row["fire_at"][11:16], row["status"]) for row in rows] == [
        ("12:00", "disabled"),
        ("11:00", "disabled"),
        ("10:00", "disabled"),
        ("09:00", "disabled"),
    ]
    assert jobs_made_by(schedule)[-1].scheduled_at == clock.now() + clock.HOUR


@one_database
def test_a_run_tells_its_job_and_its_lateness_in_milliseconds(client, moved_clock):
    schedule = post_schedule(client, cron="@daily")
    firing_rows.add([FiringRow(schedule["id"], clock.SECOND, firing_rows.FIRED, 7, 1500, clock.now())])

    [row] = client.get(f"/api/schedules/{schedule['id']}/runs").json["data"]

    assert row == {
        **{"fire_at": "1970-01-01T00:00:01.000000Z", "status": "fired", "job_id": 7, "lateness_ms": 1.5},
        **{"decided_at": "2026-01-01T09:00:00.000000Z", "until": None, "count": 1},
    }


@pytest.mark.parametrize(
    ("until_at", "instants", "until", "count"),
    [
        (None, None, None, 1),
        (60 * clock.SECOND, 7, "1970-01-01T00:01:00.000000Z", 7),
        (60 * clock.SECOND, 1, "1970-01-01T00:01:00.000000Z", 1),
        (60 * clock.SECOND, None, "1970-01-01T00:01:00.000000Z", None),  # too many to count
    ],
)
def test_a_row_tells_for_how_many_instants_it_stands(client, until_at, instants, until, count):
    schedule = post_schedule(client, cron="@daily")
    firing_rows.add([FiringRow(schedule["id"], 0, firing_rows.MISSED, None, None, clock.now(), until_at, instants)])

    [row] = client.get(f"/api/schedules/{schedule['id']}/runs").json["data"]

    assert (row["until"], row["count"]) == (until, count)


def test_a_deleted_schedule_is_gone_with_its_waiting_job(client, moved_clock):
    schedule = post_schedule(client, cron="@daily")
    assert client.ask("DELETE", f"/api/schedules/{schedule['id']}").status_code == 204
    assert client.get(f"/api/schedules/{schedule['id']}").status_code == 404
    assert [job.state for job in jobs_made_by(schedule)] == ["cancelled"]


def test_another_accounts_schedule_is_not_there(client, stranger, moved_clock):
    path = f"/api/schedules/{post_schedule(client, cron='@daily')['id']}"
    for method, end in [("GET", ""), ("DELETE", ""), ("PATCH", ""), ("GET", "/runs")]:
        assert stranger.ask(method, path + end, json={} if method == "PATCH" else None).status_code == 404
    for end in ("/disable", "/enable", "/run"):
        assert stranger.post(path + end).status_code == 404
    assert stranger.get("/api/schedules").json == {"data": []}
    assert Schedule.select().count() == 1


def test_a_changed_request_is_that_of_the_waiting_job(client, moved_clock):
    schedule = post_schedule(client, cron="0 12 * * *", body={"a": 1})
    path = f"/api/schedules/{schedule['id']}"
    answer = client.ask("PATCH", path, json={"method": "post", "name": "noon"})

    assert answer.json["data"]["args"] == {"url": URL, "cron": "0 12 * * *", "method": "post", "name": "noon"} | {
        "body": {"a": 1}
    }

    old, new = jobs_made_by(schedule)
    assert (old.state, new.state, new.fire_at == old.fire_at) == ("cancelled", "scheduled", True)
    assert (new.name, bytes(new.body)) == ("noon", b'{"a": 1}')


def test_a_changed_frequency_moves_the_next_instant(client, moved_clock):
    schedule = post_schedule(client, repeat_every=[1, "hour"], schedule_in=60)
    answer = client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"cron": "0 12 * * *"})
    assert answer.json["data"]["frequency"] == {"cron": "0 12 * * *"}
    assert [job.state for job in jobs_made_by(schedule)] == ["cancelled", "scheduled"]
    assert jobs_made_by(schedule)[-1].fire_at == clock.now() + 3 * clock.HOUR


def test_putting_the_same_again_changes_nothing(client, moved_clock):
    fields = {"url": URL, "repeat_every": [1, "day"]}
    first = client.ask("PUT", "/api/schedules/digest", json=fields)
    moved_clock.advance(hours=1)
    planning.plan(clock.now(), 10)
    again = client.ask("PUT", "/api/schedules/digest", json=fields)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json == again.json == client.get("/api/schedules/digest").json
    assert len(jobs_made_by(first.json["data"])) == 2


def test_firing_now_makes_one_more_job(client, moved_clock):
    schedule = post_schedule(client, cron="@daily")
    answer = client.post(f"/api/schedules/{schedule['id']}/run")
    assert (answer.status_code, answer.json["data"]["job"]["state"]) == (201, "available")
    assert answer.json["data"]["schedule_id"] == schedule["id"]


@one_database
@pytest.mark.parametrize(
    ("fields", "path", "part"),
    [
        ({"repeat_every": 0}, "repeat_every", "at least 1 seconds"),
        ({"repeat_every": [1, "month"]}, "repeat_every", "a pair [number, unit]"),
        ({"repeat_every": 60, "cron": "@daily"}, "cron", "must be absent"),
        ({"cron": "0 0 30 2 *"}, "cron", "a date that exists"),
        ({"cron": "* * * * * * *"}, "cron", "five fields"),
        ({"cron": "60 * * * *"}, "cron", "minute within its range"),
        ({"cron": "@reboot"}, "cron", "five fields"),
        ({"cron": "0 0 * * *", "timezone": "Europe/Berln"}, "timezone", "did you mean Europe/Berlin?"),
        ({"repeat_every": 60, "timezone": "UTC"}, "timezone", "must be absent without cron"),
        ({"overlap": "skip"}, "overlap", "must be absent without repeat_every or cron"),
        ({"cron": "@daily", "overlap": "never"}, "overlap", "one of skip, queue_one, allow"),
        ({"cron": "@daily", "catch_up_seconds": 1}, "catch_up_seconds", "a whole number from 60"),
    ],
)
def test_what_can_not_recur_is_refused_with_the_reason(client, fields, path, part):
    assert part in errors_of(client.create(**fields))[path][0]


@one_database
def test_a_schedule_must_say_how_often(client):
    assert "repeat_every" in errors_of(client.post("/api/schedules", json={"url": URL}))


@one_database
def test_a_preview_crosses_the_change_of_clocks(client):
    query = "cron=30+2+*+*+*&timezone=America/New_York&from=2026-03-07T12:00:00Z&count=2"
    assert client.get(f"/api/schedules/preview?{query}").json == {
        "data": {
            "instants": ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"],
            "description": "At 02:30 every day (America/New_York)",
        }
    }


@one_database
def test_a_preview_of_an_interval(client):
    answer = client.get("/api/schedules/preview?repeat_every=5,minutes&from=2026-01-01T00:00:00Z&count=2")
    assert answer.json["data"] == {
        "instants": ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"],
        "description": "Every 5 minutes",
    }


@one_database
def test_an_account_has_no_more_schedules_than_it_may(client, settings):
    object.__setattr__(settings, "max_schedules", 1)
    post_schedule(client, cron="@daily")
    assert "at most 1 enabled" in errors_of(client.create(cron="@daily"))[""][0]
    assert (Schedule.select().count(), Job.select().count()) == (1, 1)


@one_database
def test_disabled_schedules_leave_room_for_others(client, settings):
    object.__setattr__(settings, "max_schedules", 1)
    for key in ("first", "second"):
        path = f"/api/schedules/{post_schedule(client, cron='@daily', name=key)['id']}"
        assert client.post(f"{path}/disable").status_code == 200
    put = client.ask("PUT", "/api/schedules/third", json={"url": URL, "cron": "@daily"})
    assert put.status_code == 201


def lose_the_zone(schedule):
    """The schedule's frequency as it looks to a process whose machine lacks the zone."""
    frequency = json.dumps({"cron": "0 12 * * *", "timezone": "Atlantis/Capital"})
    Schedule.update(frequency=frequency).where(Schedule.id == schedule["id"]).execute()


def test_enabling_where_the_zone_is_unknown_is_refused_and_changes_nothing(client, moved_clock):
    schedule = post_schedule(client, cron="0 12 * * *")
    path = f"/api/schedules/{schedule['id']}"
    client.post(f"{path}/disable")
    lose_the_zone(schedule)
    moved_clock.advance(days=1)

    answer = client.post(f"{path}/enable")

    assert answer.status_code == 409
    assert "can't be computed" in answer.json["error"]["message"]
    assert client.get(path).json["data"]["disabled_at"] == "2026-01-01T09:00:00Z"
    assert [job.state for job in jobs_made_by(schedule)] == ["cancelled"]


def test_enabling_where_the_zone_is_unknown_works_before_the_next_instant(client, moved_clock):
    schedule = post_schedule(client, cron="0 12 * * *")
    path = f"/api/schedules/{schedule['id']}"
    client.post(f"{path}/disable")
    lose_the_zone(schedule)

    assert client.post(f"{path}/enable").json["data"]["disabled_at"] is None
    assert [job.state for job in jobs_made_by(schedule)] == ["cancelled", "scheduled"]


def test_a_schedule_of_an_unknown_zone_is_enabled_after_it_gets_another_frequency(client, moved_clock):
    schedule = post_schedule(client, cron="0 12 * * *")
    path = f"/api/schedules/{schedule['id']}"
    client.post(f"{path}/disable")
    lose_the_zone(schedule)
    moved_clock.advance(days=1)

    assert client.ask("PATCH", path, json={"cron": "0 10 * * *"}).status_code == 200
    assert client.post(f"{path}/enable").json["data"]["disabled_at"] is None
    assert jobs_made_by(schedule)[-1].fire_at == Schedule.get().next_at == clock.now() + clock.HOUR


def test_no_more_are_enabled_again_than_an_account_may_have(client, settings, moved_clock):
    object.__setattr__(settings, "max_schedules", 1)
    path = f"/api/schedules/{post_schedule(client, cron='@daily')['id']}"
    client.post(f"{path}/disable")
    other = post_schedule(client, cron="@daily")

    assert "at most 1 enabled" in errors_of(client.post(f"{path}/enable"))[""][0]
    assert client.get(path).json["data"]["disabled_at"] == "2026-01-01T09:00:00Z"
    assert [job.state for job in Job.select().order_by(Job.id)] == ["cancelled", "scheduled"]

    client.post(f"/api/schedules/{other['id']}/disable")
    assert client.post(f"{path}/enable").json["data"]["disabled_at"] is None
    assert client.post(f"{path}/enable").status_code == 200  # it is counted once, by itself


@one_database
def test_the_schedules_of_another_account_take_no_room(client, stranger, settings):
    object.__setattr__(settings, "max_schedules", 1)
    path = f"/api/schedules/{post_schedule(stranger, cron='@daily')['id']}"
    post_schedule(client, cron="@daily")
    stranger.post(f"{path}/disable")
    assert stranger.post(f"{path}/enable").status_code == 200


@one_database
@pytest.mark.parametrize("wrong", [{"cron": "nope", "timezone": "Europe/Berlin"}, {"repeat_every": 0}])
def test_a_wrong_frequency_hides_the_errors_that_follow_from_it(client, wrong):
    for path in ("/api/schedules", "/api/jobs"):
        answer = client.post(path, json={"url": URL, "overlap": "allow", **wrong})
        assert errors_of(answer).keys() == {next(iter(wrong))}, path


@one_database
@pytest.mark.parametrize("recurring", [{"repeat_every": 60}, {"cron": "@daily"}])
def test_a_batch_refuses_a_job_that_recurs(client, recurring):
    answer = client.post("/api/jobs/batch", json={"jobs": [{"url": URL, **recurring}, {"url": URL}]})
    refused, made = answer.json["data"]
    assert "must be absent in a batch" in refused["error"]["errors"]["repeat_every"][0]
    assert made["schedule_id"] is None
    assert (Schedule.select().count(), Job.select().count()) == (0, 1)


@one_database
def test_a_job_whose_key_is_live_makes_no_schedule(client):
    first = client.created(idempotency_key="k", schedule_in=60)
    again = client.create(idempotency_key="k", repeat_every=60)
    assert (again.status_code, again.json["data"]["id"]) == (200, first["id"])
    assert again.json["data"]["job"]["has_confict"]
    assert Schedule.select().count() == 0


def test_the_labels_of_a_schedule_are_on_each_of_its_jobs(client, moved_clock):
    client.created(repeat_every=60, labels=["nightly"])
    planning.plan(clock.now(), 10)
    assert len(client.get("/api/jobs?label=nightly").json["data"]) == 2


@one_database
@pytest.mark.parametrize("key", ["-x", "a b", "x" * 101, "0b3ba6a7-5b2f-4d6d-8f7e-2f1c9b6f3f6e"])
def test_a_key_of_another_form_is_refused(client, key):
    answer = client.ask("PUT", f"/api/schedules/{key}", json={"url": URL, "cron": "@daily"})
    assert "up to 100 letters" in errors_of(answer)["key"][0]


def test_putting_something_else_changes_the_schedule_and_keeps_its_state(client, moved_clock):
    client.ask("PUT", "/api/schedules/digest", json={"url": URL, "cron": "@daily", "name": "old"})
    Schedule.update(state='{"a":1}').execute()
    answer = client.ask("PUT", "/api/schedules/digest", json={"url": URL, "cron": "@hourly"})
    assert (answer.status_code, answer.json["data"]["name"]) == (200, None)
    assert answer.json["data"]["frequency"] == {"cron": "@hourly"}
    assert (Schedule.get().state, Schedule.select().count()) == ('{"a":1}', 1)
    assert jobs_made_by(answer.json["data"])[-1].fire_at == clock.now() + clock.HOUR


@one_database
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"url": None}, "url"),
        ({"cron": None}, "repeat_every"),
        ({"crn": "x"}, "crn"),
        ({"overlap": 1}, "overlap"),
        ({"schedule_in": 60}, "schedule_in"),
        ({"scheduled_at": "2026-12-24T00:00:00Z", "name": "x"}, "scheduled_at"),
    ],
)
def test_a_change_that_would_make_it_wrong_is_refused_and_changes_nothing(client, change, path):
    schedule = post_schedule(client, cron="@daily")
    assert path in errors_of(client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=change))
    assert client.get(f"/api/schedules/{schedule['id']}").json["data"] == schedule


@one_database
def test_a_changed_interval_begins_when_the_change_says(client, moved_clock):
    schedule = post_schedule(client, cron="@daily")
    changed = {"repeat_every": 600, "schedule_in": 60}
    assert client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=changed).status_code == 200
    assert jobs_made_by(schedule)[-1].fire_at == clock.now() + clock.MINUTE


ZONED = {"cron": "0 12 * * *", "timezone": "Europe/Berlin"}
EVERY_TEN_MINUTES = {"repeat_every": [10, "minutes"]}


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        (ZONED, EVERY_TEN_MINUTES, EVERY_TEN_MINUTES),
        (ZONED, {**EVERY_TEN_MINUTES, "cron": None, "timezone": None}, EVERY_TEN_MINUTES),
        (ZONED, {"cron": "0 13 * * *"}, {"cron": "0 13 * * *", "timezone": "Europe/Berlin"}),
        ({"cron": "@daily"}, EVERY_TEN_MINUTES, EVERY_TEN_MINUTES),
        (EVERY_TEN_MINUTES, {"cron": "@daily"}, {"cron": "@daily"}),
        (EVERY_TEN_MINUTES, ZONED, ZONED),
        (EVERY_TEN_MINUTES, {"repeat_every": 60}, {"repeat_every": 60}),
    ],
)
def test_a_change_of_frequency_takes_the_place_of_the_one_before(client, moved_clock, before, change, after):
    schedule = post_schedule(client, **before, name="kept")
    moved_clock.advance(seconds=1)

    answer = client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=change)

    assert answer.status_code == 200, answer.text
    assert answer.json["data"]["frequency"] == after
    assert answer.json["data"]["args"] == {"url": URL, "name": "kept", **after}
    assert jobs_made_by(schedule)[-1].fire_at == jobs_made_by(post_schedule(client, **after))[-1].fire_at


@one_database
def test_a_zone_is_refused_beside_the_interval_that_it_comes_with(client):
    schedule = post_schedule(client, **ZONED)
    change = {"repeat_every": 600, "timezone": "Europe/Paris"}
    assert list(errors_of(client.ask("PATCH", f"/api/schedules/{schedule['id']}", json=change))) == ["timezone"]


def test_jitter_spreads_the_jobs_of_schedules_over_as_many_seconds(client, moved_clock):
    made = [post_schedule(client, cron="0 12 * * *", jitter_seconds=3600) for _ in range(8)]

    jobs = [jobs_made_by(schedule)[0] for schedule in made]

    late = [job.scheduled_at - job.fire_at for job in jobs]
    assert {job.fire_at for job in jobs} == {clock.now() + 3 * clock.HOUR}
    assert 0 <= min(late) <= max(late) <= clock.HOUR
    assert max(late) > clock.MINUTE
    assert len(set(late)) == 8


@pytest.mark.parametrize("past", ["2025-12-31T00:00:00Z", 0, "0001-01-01T00:00:00Z"])
def test_a_schedule_whose_first_time_is_past_begins_now(client, moved_clock, past):
    job = client.created(repeat_every=60, scheduled_at=past)

    assert job["job"]["scheduled_at"] == "2026-01-01T09:00:00.000000Z"
    assert [made.fire_at for made in jobs_made_by({"id": job["schedule_id"]})] == [clock.now()]


def test_of_two_changes_at_once_none_undoes_the_other(client, moved_clock, monkeypatch):
    schedule = post_schedule(client, cron="@daily")
    path, replace = f"/api/schedules/{schedule['id']}", schedule_changes.replace

    def overtaken(*arguments):
        monkeypatch.setattr(schedule_changes, "replace", replace)
        client.ask("PATCH", path, json={"name": "theirs", "body": {"a": 1}})
        return replace(*arguments)

    monkeypatch.setattr(schedule_changes, "replace", overtaken)
    changed = client.ask("PATCH", path, json={"cron": "@hourly"}).json["data"]

    assert (changed["name"], changed["frequency"]) == ("theirs", {"cron": "@hourly"})
    assert changed["args"] == {"url": URL, "cron": "@hourly", "name": "theirs", "body": {"a": 1}}


@one_database
def test_a_change_of_the_zone_alone_moves_the_next_instant(client, moved_clock):
    schedule = post_schedule(client, cron="0 12 * * *", timezone="Europe/Berlin")
    client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"timezone": None})
    assert jobs_made_by(schedule)[-1].fire_at == clock.now() + 3 * clock.HOUR


@one_database
@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "cron"),
        ("cron=x", "cron"),
        ("repeat_every=5,parsecs", "repeat_every"),
        ("cron=@daily&count=0", "count"),
        ("cron=@daily&count=101", "count"),
        ("cron=@daily&from=yesterday", "from"),
        ("cron=@daily&from=9999-12-31T00:00:00Z", "from"),
        ("cron=@daily&timezone=Mars", "timezone"),
    ],
)
def test_a_preview_of_what_can_not_be_is_refused(client, query, path):
    assert path in errors_of(client.get(f"/api/schedules/preview?{query}"))


def test_schedules_are_listed_newest_first_or_as_requested(client, moved_clock):
    for name in ("b", "a", "c"):
        post_schedule(client, cron="@daily", name=name)
        moved_clock.advance(seconds=1)

    def names(query):
        return [schedule["name"] for schedule in client.get(f"/api/schedules?{query}").json["data"]]

    assert names("") == ["c", "a", "b"]
    assert names("order_by=name,asc&limit=2") == ["a", "b"]
    assert names("order_by=name,asc&limit=2&offset=2") == ["c"]


@pytest.mark.parametrize("changed", [{"count": 2}, [2], "two"])
def test_a_changed_body_takes_the_place_of_the_old_one(client, moved_clock, changed):
    schedule = post_schedule(client, method="post", repeat_every=3600, body={"count": 1})

    answer = client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"body": changed})

    assert answer.json["data"]["args"]["body"] == changed
    sent = Schedule.get(Schedule.id == schedule["id"]).body.decode()
    assert (sent if changed == "two" else json.loads(sent)) == changed


def test_a_change_leaves_the_idempotency_key_to_the_first_job(client, moved_clock):
    made = client.created(repeat_every=3600, idempotency_key="once")

    changed = client.ask("PATCH", f"/api/schedules/{made['schedule_id']}", json={"name": "hourly"})

    assert changed.status_code == 200, changed.text
    assert "idempotency_key" not in changed.json["data"]["args"]


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/schedules"), ("PUT", "/api/schedules/nightly")])
def test_the_jobs_of_a_schedule_that_a_job_makes_count_its_hops(client, moved_clock, method, path):
    fields = {"url": URL, "repeat_every": 3600}
    answer = client.ask(method, path, json=fields, headers={"Booper-Hop": "3"})
    assert answer.status_code == 201, answer.text
    assert [job.hops for job in jobs_made_by(answer.json["data"])] == [3]
