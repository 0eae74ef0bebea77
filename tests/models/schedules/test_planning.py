"""Which jobs a schedule gets: the next in advance, those made up for, and none for what was missed."""

import json

import pytest

from models.jobs import job_store, lifecycle
from models.rules import clock
from models.schedules import firing_rows, health_events, planning, schedule_changes, schedule_store
from models.schedules import misfire as misfire_rule
from models.schedules.put_off import PutOff
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.races import held_elsewhere, map_at_once
from tests.support.schedule_rows import (
    SECONDLY,
    claim_firings,
    create_schedule,
    firings_of,
    jobs_of,
    make_schedule,
    plan,
    planned,
    run_ticker,
    waiting_jobs_of,
)


def test_the_next_job_waits_in_advance(account, moved_clock):
    schedule_id = make_schedule(account)
    assert plan() == 1
    first, second = jobs_of(schedule_id)
    assert (second.state, second.fire_at) == ("scheduled", first.fire_at + clock.HOUR)
    assert plan() == 0


def test_nothing_is_planned_before_the_instant(account, moved_clock):
    make_schedule(account, first_in_s=60)
    assert plan() == 0


UNKNOWN_HERE = [{"cron": "0 9 * * *", "timezone": "Atlantis/Capital"}, {"moon": "full"}]


@pytest.mark.parametrize("frequency", UNKNOWN_HERE)
def test_c9_a_schedule_that_this_process_can_not_plan_is_put_off_and_told(account, moved_clock, caplog, frequency):
    """A ticker that was older than the definition, or lacked its zone, disabled it without a word to its owner."""
    unknown, other = make_schedule(account), make_schedule(account)
    Schedule.update(frequency=json.dumps(frequency)).where(Schedule.id == unknown).execute()
    put_off = PutOff()

    assert [planning.plan(clock.now(), 1, put_off) for _ in range(3)] == [1, 1, 0]

    assert [len(jobs_of(schedule_id)) for schedule_id in (unknown, other)] == [1, 2]
    assert [row.disabled_at for row in Schedule.select()] == [None, None]
    assert (
        len([text for text in caplog.messages if f"schedule {unknown} can't be planned by this process" in text]) == 1
    )
    assert jobs_of(unknown)[0].state == "available"


def test_a_schedule_that_was_put_off_is_tried_again_after_a_minute(account, moved_clock):
    schedule_id = make_schedule(account)
    known = Schedule.get().frequency
    Schedule.update(frequency=json.dumps(UNKNOWN_HERE[0])).execute()
    put_off = PutOff()
    planning.plan(clock.now(), 10, put_off)
    Schedule.update(frequency=known).execute()

    moved_clock.advance(seconds=59.9)
    assert planning.plan(clock.now(), 10, put_off) == 0
    moved_clock.advance(seconds=0.1)
    assert planning.plan(clock.now(), 10, put_off) == 1
    assert len(jobs_of(schedule_id)) == 2


def test_a_schedule_that_nobody_could_plan_for_a_day_is_disabled(account, moved_clock):
    make_schedule(account)
    Schedule.update(frequency=json.dumps(UNKNOWN_HERE[0])).execute()
    moved_clock.advance(days=1)
    plan()
    assert Schedule.get().disabled_at is None
    moved_clock.now += 1
    plan()
    assert Schedule.get().disabled_at == clock.now()


def test_c9_members_of_a_template_that_a_newer_version_stored_are_passed_over(account, moved_clock):
    schedule_id = make_schedule(account)
    Schedule.update(template=json.dumps(json.loads(Schedule.get().template) | {"from_the_future": [1]})).execute()
    assert plan() == 1
    assert len(jobs_of(schedule_id)) == 2


def test_each_job_of_a_schedule_is_judged_as_the_schedule_says(account, moved_clock):
    judging = '{"stop_on":["4xx"]}'
    schedule = create_schedule(account, {"judging": judging})
    assert plan() == 1
    assert [job.judging for job in jobs_of(schedule.id)] == [judging, judging]


def test_a_late_planner_does_not_let_the_interval_drift(account, moved_clock):
    schedule_id = make_schedule(account)
    moved_clock.advance(minutes=59)
    plan()
    assert jobs_of(schedule_id)[1].fire_at == jobs_of(schedule_id)[0].fire_at + clock.HOUR


def test_jitter_is_spread_over_schedules_and_stable():
    spread = [schedule_store.offset_us(f"schedule-{number}", 59 * clock.SECOND) for number in range(1000)]
    assert spread == [schedule_store.offset_us(f"schedule-{number}", 59 * clock.SECOND) for number in range(1000)]
    assert max(sum(offset // clock.SECOND == second for offset in spread) for second in range(60)) < 40


def test_two_planners_at_once_make_each_job_once(account, moved_clock):
    made = [make_schedule(account, SECONDLY) for _ in range(30)]
    now = clock.now() + clock.SECOND // 2

    map_at_once(lambda _: [planning.plan(now, 7) for _ in range(5)], range(4))

    assert all(len(jobs_of(schedule_id)) == 2 for schedule_id in made)


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_c2_a_planner_passes_over_a_schedule_that_another_session_holds(account, moved_clock):
    held, free = make_schedule(account), make_schedule(account)
    with held_elsewhere("schedule", held):
        assert plan() == 1
        assert [len(jobs_of(schedule_id)) for schedule_id in (held, free)] == [1, 2]
    assert plan() == 1
    assert len(jobs_of(held)) == 2


def test_an_instant_has_one_job_whatever_is_asked(account, moved_clock):
    schedule_id = make_schedule(account)
    again = planning.job_at(planned(schedule_id), clock.now())
    assert job_store.create_many([again], clock.now()) == [None]


def test_a_job_that_was_cancelled_unattempted_does_not_hold_its_instant(account, moved_clock):
    schedule_id = make_schedule(account)
    lifecycle.cancel([jobs_of(schedule_id)[0].id], clock.now(), waiting_only=True)
    assert job_store.create_many([planning.job_at(planned(schedule_id), clock.now())], clock.now()) != [None]


def test_one_that_was_attempted_and_cancelled_does(account, moved_clock):
    schedule_id = make_schedule(account)
    [job] = claim_firings(*jobs_of(schedule_id))
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)
    assert job_store.create_many([planning.job_at(planned(schedule_id), clock.now())], clock.now()) == [None]


@pytest.mark.parametrize(("a_moment", "status"), [(0, "skipped_misfire"), (1, "missed_down")])
def test_what_is_older_than_catch_up_is_missed(account, moved_clock, a_moment, status):
    schedule_id = make_schedule(account, misfire="skip", catch_up_us=2 * clock.HOUR)
    moved_clock.advance(hours=2)
    moved_clock.now += a_moment
    misfire_rule.expire(clock.now(), 100)
    assert firings_of(schedule_id) == [(0, status)]


def test_skip_makes_up_for_nothing(account, moved_clock):
    schedule_id = make_schedule(account, misfire="skip")
    moved_clock.advance(hours=3)
    moved_clock.advance(minutes=30)
    assert run_ticker() == []
    assert [status for _, status in firings_of(schedule_id)] == [
        "missed_down",
        "missed_down",
        "missed_down",
        "skipped_misfire",
    ]
    assert len(waiting_jobs_of(schedule_id)) == 1


def test_the_oldest_instants_of_a_long_outage_share_a_row(account, moved_clock):
    """Of a long outage the latest have rows and the rest share one."""
    schedule_id = make_schedule(account, SECONDLY)
    moved_clock.advance(days=365)
    run_ticker()
    shared = Firing.select().where(Firing.until_at.is_null(False)).order_by(Firing.fire_at)
    assert [row.status for row in shared] == ["missed_down", "skipped_misfire"]
    assert shared[1].fire_at >= clock.now() - clock.HOUR > shared[0].until_at
    waiting = 61  # those of the last minute but the one that began, and the latest before them
    assert sum(row.instants or 1 for row in Firing.select()) == 365 * 24 * 3600 + 1 - waiting
    assert Firing.select().where(Firing.schedule_id == schedule_id).count() < 2005


@pytest.mark.parametrize(("ahead_h", "back_h"), [(1, 1), (3, 2)])
def test_a_clock_set_forward_and_back_fires_each_instant_once(account, moved_clock, ahead_h, back_h):
    """A clock set forward and back fires no instant twice and loses none."""
    schedule_id = make_schedule(account, misfire="all", catch_up_us=24 * clock.HOUR)
    lifecycle.complete(run_ticker(), clock.now())
    moved_clock.advance(hours=ahead_h)
    lifecycle.complete(run_ticker(), clock.now())
    moved_clock.advance(hours=-back_h)
    for _ in range(8):
        lifecycle.complete(run_ticker(), clock.now())
        moved_clock.advance(minutes=30)
    rows = [second for second, _ in firings_of(schedule_id)]
    assert rows == [3600 * number for number in range(len(rows))]

    attempted = [job.fire_at for job in jobs_of(schedule_id) if job.attempted_at]
    assert len(attempted) == len(set(attempted))


def test_enabling_before_the_instant_makes_its_job_again(account, moved_clock):
    schedule_id = make_schedule(account, first_in_s=60)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    moved_clock.advance(minutes=1)
    assert [job.fire_at for job in run_ticker()] == [clock.now()]
    assert Firing.select().count() == 1


def test_a_year_disabled_is_not_a_year_of_rows(account, moved_clock):
    schedule_id = make_schedule(account, SECONDLY)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    moved_clock.advance(days=365)
    schedule_changes.enable(account.id, schedule_id, clock.now(), 100)
    assert Firing.select().count() == 1002  # the one whose job waited, a thousand, and one for those before
    assert sum(row.instants or 1 for row in Firing.select()) == 365 * 24 * 3600 + 1
    assert waiting_jobs_of(schedule_id)[0].fire_at == clock.now() + clock.SECOND


def test_a_deleted_schedule_is_planned_no_more(account, moved_clock):
    schedule_id = make_schedule(account)
    assert schedule_changes.delete(account.id, schedule_id, clock.now())
    assert not schedule_changes.delete(account.id, schedule_id, clock.now())
    moved_clock.advance(hours=5)
    assert run_ticker() == []


def test_planning_looks_at_no_idle_schedule(account, moved_clock):
    make_schedule(account, first_in_s=3600)
    due = make_schedule(account)
    assert plan() == 1
    assert len(jobs_of(due)) == 2


MIN = clock.MINUTE


@pytest.mark.parametrize(
    ("misfire", "catch_up", "window"), [("skip", 10 * MIN, MIN), ("once", 10 * MIN, 10 * MIN), ("all", MIN - 1, MIN)]
)
def test_a_job_may_begin_within_catch_up_and_always_within_a_minute(misfire, catch_up, window):
    assert misfire_rule.window_us(misfire, catch_up) == window


@pytest.mark.parametrize(
    ("status", "fields", "event"),
    [
        (firing_rows.FIRED, {"lateness_us": 5}, (health_events.BEGUN, 5, 0)),
        (firing_rows.LATE, {"lateness_us": 7}, (health_events.BEGUN, 7, 1)),
        (firing_rows.MISSED, {"until_at": 9, "instants": 40}, (health_events.MISSED, 40, 1)),
        (firing_rows.MISFIRED, {}, (health_events.MISSED, 1, 1)),
        (firing_rows.OVERLAPPED, {}, None),
        (firing_rows.PAUSED, {}, None),
        (firing_rows.DISABLED, {}, None),
        (firing_rows.BACKFILLED, {}, None),
    ],
)
def test_what_became_of_an_instant_is_an_event_for_alert_rules(status, fields, event):
    row = firing_rows.FiringRow("s", 1, status, None, None, 3)._replace(**fields)
    made = firing_rows._health_event(row)
    assert (made and (made.type, made.number, made.matters)) == event
    assert made is None or (made.schedule_id, made.at) == ("s", 3)
