"""Named calendars over HTTP: keeping them, and what a change does to the schedules that name one."""

import json

import pytest

from models.jobs.job_tables import Job
from models.rules import clock
from models.schedules import planning
from models.schedules.calendars import calendar_changes, calendar_store, moving
from models.schedules.schedule_tables import Calendar, Schedule
from tests.support.api_client import URL, errors_of, one_database
from tests.support.locks import held_by_another
from tests.support.races import at_once
from tests.support.schedule_rows import jobs_of, run_ticker, waiting_jobs_of
from workers.ticker.calendar_turns import CalendarTurns

HOLIDAYS = ["2026-01-02", {"from": "2026-01-05", "to": "2026-01-09"}]
DAILY = {"cron": "0 12 * * *"}  # the clock of the tests stands at nine of 1 January 2026


def put(client, name="holidays-at", days=HOLIDAYS, status=201):
    answer = client.ask("PUT", f"/api/calendars/{name}", json={"days": days})
    assert answer.status_code == status, answer.text
    return answer.json["data"]


def make(client, calendars=("holidays-at",), **fields):
    body = {"url": URL, **DAILY, "exclude": {"calendars": list(calendars)}, **fields}
    answer = client.post("/api/schedules", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json["data"]


def waiting_days(schedule):
    """The days of January 2026 on which its waiting jobs are due."""
    return [(job.fire_at - clock.now() + 9 * clock.HOUR) // clock.DAY + 1 for job in waiting_jobs_of(schedule["id"])]


def next_of(schedule):
    return Schedule.get_by_id(schedule["id"]).next_at


def test_a_calendar_is_shown_as_it_was_put(client, moved_clock):
    made = put(client)
    moved_clock.advance(hours=1)
    changed = put(client, days=["2026-12-24"], status=200)
    put(client, "plant")

    assert made["days"] == HOLIDAYS
    assert changed["days"] == ["2026-12-24"]
    assert changed["inserted_at"] == made["inserted_at"] < changed["updated_at"]
    assert client.get("/api/calendars/holidays-at").json["data"] == changed
    assert [(row["name"], row["size"]) for row in client.get("/api/calendars").json["data"]] == [
        ("holidays-at", 1),
        ("plant", 2),
    ]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("name", ["%00", "holidays%00at", "ä", "a" * 101])
def test_a_name_that_no_calendar_may_have_is_not_found(client, method, name):
    assert errors_of(client.ask(method, f"/api/calendars/{name}"), 404) == {}


def test_a_calendar_is_seen_by_its_account_alone(client, stranger):
    put(client)

    assert stranger.get("/api/calendars").json["data"] == []
    for method in ("GET", "DELETE"):
        assert stranger.ask(method, "/api/calendars/holidays-at").status_code == 404
    answer = stranger.post("/api/schedules", json={"url": URL, **DAILY, "exclude": {"calendars": ["holidays-at"]}})
    assert 'got "holidays-at"' in errors_of(answer)["exclude.calendars"][0]


@one_database
@pytest.mark.parametrize(
    ("days", "field", "message"),
    [
        (None, "days", "must be"),
        ("2026-01-01", "days", "must be"),
        (["soon"], "days.0", 'must be a day "2026-12-24", or {'),
        (["2026-02-30"], "days.0", "must name days that exist, got"),
        (["2026-01-01", {"from": "2026-01-03", "to": "2026-01-02"}], "days.1", "must not end before it begins, got"),
        (["2026-01-01"] * 501, "days", "must be"),
    ],
)
def test_wrong_days_are_refused(client, days, field, message):
    answer = client.ask("PUT", "/api/calendars/holidays-at", json={"days": days})

    errors = errors_of(answer)
    assert (list(errors), errors[field][0][: len(message)]) == ([field], message)
    assert client.get("/api/calendars").json["data"] == []


@one_database
def test_a_name_with_other_characters_is_refused(client):
    assert list(errors_of(client.ask("PUT", "/api/calendars/a%20b", json={"days": []}))) == ["name"]


@one_database
def test_an_account_has_so_many_calendars_and_no_more(client, monkeypatch):
    monkeypatch.setattr(calendar_changes, "MAX_CALENDARS", 2)
    for name in ("a", "b"):
        put(client, name)

    assert client.ask("PUT", "/api/calendars/c", json={"days": []}).status_code == 409
    put(client, "b", [], 200)


@one_database
@pytest.mark.parametrize(
    ("exclude", "field"),
    [
        ({"calendars": ["missing"]}, "exclude.calendars"),
        ({"calendars": "missing"}, "exclude"),
        ({"calendars": ["a b"]}, "exclude.calendars.0"),
        ({"calendars": ["a"] * 11}, "exclude"),
        ({"days": ["2026-02-30"]}, "exclude.days.0"),
        ({"calendar": ["a"]}, "exclude"),
    ],
)
@pytest.mark.parametrize("path", ["/api/schedules", "/api/jobs"])
def test_what_names_no_calendar_is_refused(client, path, exclude, field):
    answer = client.post(path, json={"url": URL, **DAILY, "exclude": exclude})

    assert list(errors_of(answer)) == [field]
    assert Schedule.select().count() == Job.select().count() == 0


def test_a_schedule_has_no_instant_on_the_days_of_its_calendars_and_of_its_own(client, moved_clock):
    put(client)
    put(client, "plant", ["2026-01-03"])
    schedule = make(client, ["holidays-at", "plant"], starts_at="2026-01-02T00:00:00Z")
    own = make(client, exclude={"calendars": ["holidays-at"], "days": ["2026-01-01"]})

    assert schedule["frequency"]["exclude"] == {"calendars": ["holidays-at", "plant"]}
    assert waiting_days(schedule) == [4]
    assert waiting_days(own) == [3]
    moved_clock.advance(days=3, hours=4)
    run_ticker()
    assert (
        [job.fire_at for job in jobs_of(schedule["id"])][-1]
        == next_of(schedule)
        == clock.now() - clock.HOUR + (6 * clock.DAY)
    )


def test_a_schedule_without_calendars_runs_on_their_days(client, moved_clock):
    put(client)
    schedule = make(client, exclude=["2026-01-01"])

    assert waiting_days(schedule) == [2]
    put(client, days=["2026-01-02"], status=200)
    assert waiting_days(schedule) == [2]


def test_a_schedule_to_which_its_calendars_leave_nothing_is_refused(client, moved_clock):
    put(client)
    body = {"url": URL, **DAILY, "starts_at": "2026-01-05T00:00:00Z", "until": "2026-01-09T20:00:00Z"}
    answer = client.post("/api/schedules", json={**body, "exclude": {"calendars": ["holidays-at"]}})

    assert "at least one instant" in errors_of(answer)["until"][0]


def test_more_days_move_the_waiting_job_and_fewer_move_it_back(client, moved_clock):
    put(client, days=[])
    schedule = make(client)
    assert waiting_days(schedule) == [1]

    put(client, days=["2026-01-01", "2026-01-02"], status=200)
    assert waiting_days(schedule) == [3]
    assert client.get(f"/api/schedules/{schedule['id']}/runs").json["data"] == []

    put(client, days=["2026-01-01"], status=200)
    assert waiting_days(schedule) == [2]
    assert next_of(schedule) == waiting_jobs_of(schedule["id"])[0].fire_at


def test_a_change_of_other_days_leaves_the_waiting_job_as_it_is(client, moved_clock):
    put(client)
    schedule = make(client)
    [before] = waiting_jobs_of(schedule["id"])

    put(client, days=["2026-03-01"], status=200)

    assert [job.id for job in jobs_of(schedule["id"])] == [before.id]


def test_a_change_plans_what_came_due_by_the_days_before_it(client, moved_clock):
    put(client, days=[])
    schedule = make(client)
    moved_clock.advance(hours=3)

    put(client, days=["2026-01-01", "2026-01-02"], status=200)

    assert waiting_days(schedule)[0] == 1  # its instant had come
    assert next_of(schedule) == clock.now() + 2 * clock.DAY


def test_an_interval_keeps_its_beat_when_its_calendar_changes(client, moved_clock):
    put(client, days=["2026-01-02"])
    schedule = make(client, cron=None, repeat_every=[7, "hours"])
    moved_clock.advance(hours=8)
    run_ticker()
    begin = clock.now() - 8 * clock.HOUR

    assert (next_of(schedule) - begin) // clock.HOUR == 14
    put(client, days=["2026-01-01"], status=200)
    assert (next_of(schedule) - begin) // clock.HOUR == 21
    put(client, days=[], status=200)
    assert (next_of(schedule) - begin) // clock.HOUR == 14


def test_a_first_time_that_its_owner_gave_is_not_moved_forward(client, moved_clock):
    put(client, days=["2026-01-10"])
    schedule = make(client, cron=None, repeat_every=[1, "day"], scheduled_at="2026-01-08T12:00:00Z")
    put(client, days=[], status=200)
    assert waiting_days(schedule) == [8]

    put(client, days=["2026-01-08"], status=200)
    assert waiting_days(schedule) == [9]


def test_a_disabled_schedule_goes_on_by_the_new_days(client, moved_clock):
    put(client, days=[])
    schedule = make(client)
    client.post(f"/api/schedules/{schedule['id']}/disable")
    put(client, days=["2026-01-01"], status=200)
    assert waiting_jobs_of(schedule["id"]) == []

    client.post(f"/api/schedules/{schedule['id']}/enable")
    assert waiting_days(schedule) == [2]


def test_a_finished_schedule_stays_finished(client, moved_clock):
    put(client, days=[])
    schedule = make(client, max_runs=1)
    moved_clock.advance(hours=4)
    planning.plan(clock.now(), 10)

    put(client, days=["2026-01-05"], status=200)
    assert next_of(schedule) is None


def test_a_job_that_its_owner_cancelled_is_not_made_again(client, moved_clock):
    put(client, days=["2026-01-01"])
    schedule = make(client)
    [job] = waiting_jobs_of(schedule["id"])
    client.post(f"/api/jobs/{job.id}/cancel")
    put(client, days=[], status=200)
    assert waiting_days(schedule) == [1]

    put(client, days=["2026-01-01"], status=200)
    assert waiting_jobs_of(schedule["id"]) == []


def test_a_calendar_that_schedules_name_stays(client, moved_clock):
    put(client)
    schedule = make(client)
    answer = client.ask("DELETE", "/api/calendars/holidays-at")

    assert answer.status_code == 409
    assert answer.json["error"]["message"] == "1 schedule names the calendar; change them first."
    assert client.get("/api/calendars/holidays-at").json["data"]["schedules"] == 1
    other = make(client)
    answer = client.ask("DELETE", "/api/calendars/holidays-at")
    assert answer.json["error"]["message"] == "2 schedules name the calendar; change them first."
    for each in (schedule, other):
        client.ask("PATCH", f"/api/schedules/{each['id']}", json={"exclude": None})
    assert client.ask("DELETE", "/api/calendars/holidays-at").status_code == 204
    assert client.ask("DELETE", "/api/calendars/holidays-at").status_code == 404


def test_another_calendar_of_the_same_days_is_noted_and_moves_nothing(client, moved_clock):
    put(client)
    put(client, "same")
    schedule = make(client)
    [before] = waiting_jobs_of(schedule["id"])

    client.ask("PATCH", f"/api/schedules/{schedule['id']}", json={"exclude": {"calendars": ["same"]}})

    assert [job.id for job in jobs_of(schedule["id"])] == [before.id]
    put(client, "same", ["2026-01-01"], 200)
    assert waiting_days(schedule) == [2]


def test_all_schedules_of_a_change_move_or_none(client, moved_clock, monkeypatch):
    put(client, days=[])
    schedules = [make(client) for _ in range(3)]

    def fail(*_):
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_replace_jobs", fail)
        with pytest.raises(OSError, match="killed"):
            calendar_changes.put(Schedule.get().account_id, "holidays-at", ["2026-01-01"], clock.now())

    assert [waiting_days(schedule) for schedule in schedules] == [[1]] * 3
    assert Calendar.get().days == "[]"
    put(client, days=["2026-01-01"], status=200)
    assert [waiting_days(schedule) for schedule in schedules] == [[2]] * 3


def days_of_all(schedules):
    return [waiting_days(schedule) for schedule in schedules]


@pytest.fixture
def by_id(client, moved_clock, monkeypatch):
    """Five schedules of the calendar in the order of their ids, of which a chunk moves two."""
    monkeypatch.setattr(moving, "AT_ONCE", 2)
    put(client, days=[])
    return sorted((make(client) for _ in range(5)), key=lambda schedule: schedule["id"])


def applied(client):
    return client.get("/api/calendars/holidays-at").json["data"]["applied"]


def test_of_many_schedules_the_change_moves_the_first_and_the_ticker_the_others(client, by_id):
    put(client, "plant", [])
    other = make(client, ["plant"])
    moved = put(client, days=["2026-01-01"], status=200)
    turns = CalendarTurns()

    assert moved["applied"] is False
    assert days_of_all(by_id) == [[2], [2], [1], [1], [1]]
    assert (turns.take_turn(clock.now()), days_of_all(by_id)) == (2, [[2], [2], [2], [2], [1]])
    assert applied(client) is False
    assert (turns.take_turn(clock.now()), days_of_all(by_id)) == (1, [[2]] * 5)
    assert applied(client) is True
    assert turns.take_turn(clock.now()) == 0
    assert days_of_all([other]) == [[1]]


def test_a_change_of_few_schedules_needs_no_ticker(client, by_id, monkeypatch):
    monkeypatch.setattr(moving, "AT_ONCE", 6)

    assert put(client, days=["2026-01-01"], status=200)["applied"] is True
    assert days_of_all(by_id) == [[2]] * 5
    assert CalendarTurns().take_turn(clock.now()) == 0


def test_a_turn_that_dies_leaves_its_schedules_to_the_next_and_skips_none(client, by_id, monkeypatch):
    put(client, days=["2026-01-01"], status=200)

    def fail(*_):
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_replace_jobs", fail)
        with pytest.raises(OSError, match="killed"):
            CalendarTurns().take_turn(clock.now())
    assert days_of_all(by_id) == [[2], [2], [1], [1], [1]]

    successor = CalendarTurns()
    assert [successor.take_turn(clock.now()) for _ in range(3)] == [2, 1, 0]
    assert days_of_all(by_id) == [[2]] * 5


def test_a_second_change_begins_anew_with_the_first_schedule(client, by_id):
    put(client, days=["2026-01-01"], status=200)
    put(client, days=["2026-01-01", "2026-01-02"], status=200)
    turns = CalendarTurns()

    assert days_of_all(by_id) == [[3], [3], [1], [1], [1]]
    assert [turns.take_turn(clock.now()) for _ in range(3)] == [2, 1, 0]
    assert days_of_all(by_id) == [[3]] * 5


def test_changed_calendars_take_turns(client, moved_clock, monkeypatch):
    monkeypatch.setattr(moving, "AT_ONCE", 1)
    names = ("a", "b")
    for name in names:
        put(client, name, [])
    schedules = {name: [make(client, [name]) for _ in range(3)] for name in names}
    for name in names:
        put(client, name, ["2026-01-01"], 200)
    turns = CalendarTurns()

    moved = []
    for _ in range(4):
        turns.take_turn(clock.now())
        moved.append([days_of_all(schedules[name]).count([2]) for name in names])
    assert moved == [[2, 1], [2, 2], [3, 2], [3, 3]]


def test_the_ticker_waits_for_no_schedule_that_another_session_holds(client, by_id, db):
    put(client, days=["2026-01-01"], status=200)
    turns = CalendarTurns()

    with held_by_another(db, Schedule.get_by_id(by_id[3]["id"]), "schedule"):
        assert [turns.take_turn(clock.now()) for _ in range(2)] == [1, 0]
        assert days_of_all(by_id) == [[2], [2], [2], [1], [1]]

    assert [turns.take_turn(clock.now()) for _ in range(2)] == [2, 0]
    assert days_of_all(by_id) == [[2]] * 5
    assert applied(client) is True


def test_a_change_has_an_end_only_after_the_last_schedule_is_no_longer_held(client, by_id, db):
    put(client, days=["2026-01-01"], status=200)
    turns = CalendarTurns()

    with held_by_another(db, Schedule.get_by_id(by_id[4]["id"]), "schedule"):
        assert [turns.take_turn(clock.now()) for _ in range(2)] == [2, 0]
        assert (days_of_all(by_id), applied(client)) == ([[2], [2], [2], [2], [1]], False)

    assert turns.take_turn(clock.now()) == 1
    assert (days_of_all(by_id), applied(client)) == ([[2]] * 5, True)


def test_schedules_that_are_made_during_changes_have_the_days_of_the_last(client, account, moved_clock):
    put(client, days=[])
    days = [["2026-01-01"], ["2026-01-02"], ["2026-01-01", "2026-01-02"]]
    changes = [
        lambda days=each: calendar_changes.put(account.id, "holidays-at", days, clock.now()) for each in days * 2
    ]
    results = at_once(*changes, *[lambda: make(client)] * 6)

    assert [result for result in results if isinstance(result, Exception)] == []
    wanted = calendar_store.ranges_of(json.loads(Calendar.get().days))
    assert Schedule.select().count() == 6
    for row in Schedule.select():
        assert tuple(map(tuple, json.loads(row.calendar_days))) == wanted
        assert [job.fire_at for job in waiting_jobs_of(row.id)] == [row.next_at]


def test_the_preview_leaves_out_the_days_of_calendars(client, moved_clock):
    put(client)
    query = {**DAILY, "calendars": "holidays-at", "exclude": "2026-01-03", "count": 2}
    instants = client.get("/api/schedules/preview", query_string=query).json["data"]["instants"]
    missing = client.get("/api/schedules/preview", query_string={**DAILY, "calendars": "missing"})

    assert instants == ["2026-01-01T12:00:00Z", "2026-01-04T12:00:00Z"]
    assert list(errors_of(missing)) == ["exclude.calendars"]
