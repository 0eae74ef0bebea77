"""Backfills: past instants of a schedule get their jobs, one after another, each once."""

import json

import pytest

from models.jobs import lifecycle
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.clock import DAY, HOUR, MINUTE
from models.schedules import firing_rows, run_results, schedule_changes
from models.schedules.backfills import backfill_store, backfill_turns
from models.schedules.backfills.backfill_store import CANCELLED, DONE, RUNNING
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.races import at_once
from tests.support.schedule_rows import claim_firings, make_schedule, planned, run_ticker, waiting_jobs_of

CRON = json.dumps({"cron": "0 * * * *"})


def make(account, frequency=CRON, first_in_s=3600, **policies):
    """An hourly schedule that begins in an hour, at ten."""
    return make_schedule(account, frequency, first_in_s, **policies)


def order(account, schedule_id, hours, until_us=0):
    """A backfill of the instants of so many hours before now."""
    now = clock.now()
    return backfill_store.create(account.id, schedule_id, now - hours * HOUR, now - until_us, now)


def turn():
    return backfill_turns.take_turns(clock.now(), 10)


def end(jobs):
    claimed = claim_firings(*jobs)
    lifecycle.complete(claimed, clock.now())
    return [(clock.now() - job.fire_at) // HOUR for job in claimed]


def work_off(schedule_id, turns=20):
    """Let every job complete; how many hours before now their instants were, in the order of their claims."""
    ended = []
    for _ in range(turns):
        turn()
        ended += end([job for job in waiting_jobs_of(schedule_id) if job.scheduled_at <= clock.now()])
    return ended


def state_of(account, row):
    return backfill_store.find(account.id, row.uuid)


def statuses(schedule_id):
    rows = Firing.select().where(Firing.schedule_id == schedule_id).order_by(Firing.fire_at)
    return [row.status for row in rows]


def test_past_instants_get_their_jobs_one_after_another_and_are_marked(account, moved_clock):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 3)
    turn()
    turn()
    assert len(waiting_jobs_of(schedule_id)) == 2  # the first, and that of the next instant

    assert work_off(schedule_id) == [3, 2, 1, 0]
    ended = state_of(account, backfill)
    assert (ended.state, ended.size, ended.made, ended.looked_at) == (DONE, 4, 4, 4)
    assert statuses(schedule_id) == ["backfilled"] * 4
    [runs] = run_results.latest(account.id, [schedule_id]).values()
    assert [run.status for run in runs] == ["backfilled"] * 4


def test_instants_that_have_run_are_passed_over(account, moved_clock):
    schedule_id = make(account, first_in_s=0)
    run_ticker()
    Job.update(state="completed", lease_until=None, claim_id=None).where(Job.state == "executing").execute()
    moved_clock.advance(hours=1, minutes=1)
    backfill = order(account, schedule_id, 3)

    assert work_off(schedule_id) == [0, 2]  # that of ten waits already, and that of nine has run
    assert (state_of(account, backfill).made, state_of(account, backfill).size) == (1, 3)


def test_asked_again_it_makes_nothing_again(account, moved_clock):
    schedule_id = make(account)
    order(account, schedule_id, 3)
    work_off(schedule_id)
    again = order(account, schedule_id, 4)

    assert work_off(schedule_id) == [4]
    assert (state_of(account, again).made, state_of(account, again).looked_at) == (1, 5)


def test_a_second_backfill_waits_for_the_end_of_the_first(account, moved_clock):
    schedule_id = make(account)
    first = order(account, schedule_id, 3)

    with pytest.raises(backfill_store.IsRunning, match=first.uuid):
        order(account, schedule_id, 4)


def test_of_many_at_once_one_is_made(account, moved_clock):
    schedule_id = make(account)
    made = at_once(*[lambda: order(account, schedule_id, 3)] * 5)

    assert sorted(type(each).__name__ for each in made) == ["BackfillRow", *["IsRunning"] * 4]


def test_tickers_at_once_make_each_job_once(account, moved_clock):
    schedule_id = make(account)
    order(account, schedule_id, 9)
    ended = []
    for _ in range(12):
        assert [each for each in at_once(turn, turn, turn) if isinstance(each, Exception)] == []
        ended += end([job for job in waiting_jobs_of(schedule_id) if job.scheduled_at <= clock.now()])

    assert ended == list(range(9, -1, -1))


def test_a_process_that_dies_in_a_turn_leaves_nothing_behind(account, moved_clock, monkeypatch):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 3)

    def fail(*_):
        raise OSError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(firing_rows, "mark_backfilled", fail)
        with pytest.raises(OSError, match="killed"):
            turn()

    assert state_of(account, backfill).looked_at == 0
    assert len(waiting_jobs_of(schedule_id)) == 1
    assert work_off(schedule_id) == [3, 2, 1, 0]


@pytest.mark.parametrize("overlap", ["skip", "queue_one", "allow"])
def test_a_job_of_the_past_waits_while_another_of_its_kind_executes(account, moved_clock, overlap):
    schedule_id = make(account, overlap=overlap, first_in_s=0)
    [regular] = claim_firings(*waiting_jobs_of(schedule_id))
    order(account, schedule_id, 2)
    turn()
    [past] = [job for job in waiting_jobs_of(schedule_id) if job.fire_at < clock.now()]

    assert bool(claim_firings(past)) == (overlap == "allow")
    lifecycle.complete([regular], clock.now())
    moved_clock.advance(minutes=10)
    assert len(claim_firings(past)) == (0 if overlap == "allow" else 1)


def test_the_regular_job_that_comes_due_beside_one_of_the_past_is_not_skipped(account, moved_clock):
    schedule_id = make(account)
    order(account, schedule_id, 2)
    turn()
    under_way = claim_firings(*waiting_jobs_of(schedule_id))
    moved_clock.advance(hours=1)
    assert run_ticker() == []

    lifecycle.complete(under_way, clock.now())
    moved_clock.advance(seconds=30)
    assert [job.fire_at for job in run_ticker()] == [clock.now() - clock.now() % HOUR]
    assert "skipped_overlap" not in statuses(schedule_id)


def test_a_cancelled_backfill_makes_no_more_and_leaves_what_is_left_to_the_next(account, moved_clock):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 3)
    turn()
    end([job for job in waiting_jobs_of(schedule_id) if job.fire_at < clock.now()])
    turn()
    backfill_store.cancel(account.id, backfill.uuid, clock.now())

    assert work_off(schedule_id) == []
    assert state_of(account, backfill).state == CANCELLED
    assert statuses(schedule_id) == ["backfilled", "cancelled"]
    order(account, schedule_id, 3)
    assert work_off(schedule_id) == [2, 1, 0]


def test_an_ended_backfill_stays_as_it_is_when_it_is_cancelled(account, moved_clock):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 1)
    work_off(schedule_id)

    assert backfill_store.cancel(account.id, backfill.uuid, clock.now()).state == DONE


def test_another_account_sees_and_cancels_nothing(account, moved_clock):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 1)

    assert backfill_store.find(account.id + 1, backfill.uuid) is None
    assert backfill_store.cancel(account.id + 1, backfill.uuid, clock.now()) is None
    assert backfill_store.create(account.id + 1, schedule_id, 0, clock.now(), clock.now()) is None
    assert state_of(account, backfill).state == RUNNING


@pytest.mark.parametrize("stop", [schedule_changes.disable, schedule_changes.delete])
def test_a_schedule_that_is_stopped_ends_its_backfill(account, moved_clock, stop):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 3)
    turn()
    moved_clock.advance(seconds=1)
    stop(account.id, schedule_id, clock.now())
    turn()

    assert state_of(account, backfill).state == CANCELLED
    assert waiting_jobs_of(schedule_id) == []


def test_a_disabled_schedule_may_be_made_up_for(account, moved_clock):
    schedule_id = make(account)
    schedule_changes.disable(account.id, schedule_id, clock.now())
    moved_clock.advance(seconds=1)
    order(account, schedule_id, 2)

    assert work_off(schedule_id) == [1, 0]


def test_an_interval_is_made_up_for_in_its_beat(account, moved_clock):
    schedule_id = make(account, json.dumps({"repeat_every": [2, "hours"]}), first_in_s=1800)
    order(account, schedule_id, 5)

    assert [job.fire_at - clock.now() for job in _jobs_made(schedule_id)] == [-3.5 * HOUR, -1.5 * HOUR]


def test_bounds_count_in_the_past_too(account, moved_clock):
    frequency = {"cron": "0 9 * * *", "exclude": ["2025-12-30"], "starts_at": "2025-12-29T00:00:00Z"}
    schedule_id = make(account, json.dumps(frequency))
    order(account, schedule_id, 24 * 10)

    assert [(clock.now() - job.fire_at) // DAY for job in _jobs_made(schedule_id)] == [3, 1, 0]


def test_a_range_without_instants_or_with_too_many_is_refused(account, moved_clock):
    schedule_id = make(account)

    with pytest.raises(backfill_store.NoInstant):
        backfill_store.create(account.id, schedule_id, clock.now() + MINUTE, clock.now() + MINUTE, clock.now())
    with pytest.raises(backfill_store.TooMany):
        order(account, schedule_id, 1000)
    assert order(account, schedule_id, 999).size == 1000


def test_the_end_of_a_retry_is_measured_from_the_making_of_the_job(account, moved_clock):
    schedule_id = make(account)
    template = json.loads(Schedule.get_by_id(schedule_id).template) | {"max_age_us": HOUR}
    Schedule.update(template=json.dumps(template)).where(Schedule.id == schedule_id).execute()
    order(account, schedule_id, 3)
    turn()
    job = waiting_jobs_of(schedule_id)[0]

    assert (job.scheduled_at, job.start_by, job.retry_until) == (clock.now(), None, clock.now() + HOUR)


def test_a_row_of_many_missed_instants_keeps_the_others(account, moved_clock):
    schedule_id = make(account)
    first = clock.now() - 5 * HOUR
    firing_rows.add([firing_rows.FiringRow(schedule_id, first, "missed_down", None, None, 1, first + 4 * HOUR, 5)])
    backfill_store.create(account.id, schedule_id, first, first, clock.now())
    work_off(schedule_id)

    rows = firing_rows.list_firings(schedule_id, None, ("fire_at", "asc"), 10, 0)
    assert [(row.fire_at - first, row.status, row.until_at, row.instants) for row in rows] == [
        (0, "backfilled", None, None),
        (HOUR, "missed_down", first + 4 * HOUR, 4),
    ]


def test_backfills_that_ended_long_ago_are_deleted(account, moved_clock):
    schedule_id = make(account)
    backfill = order(account, schedule_id, 1)
    work_off(schedule_id)
    backfill_store.prune(clock.now() + 29 * DAY)
    assert state_of(account, backfill)

    backfill_store.prune(clock.now() + 31 * DAY)
    assert state_of(account, backfill) is None


def _jobs_made(schedule_id):
    work_off(schedule_id)
    return list(Job.select().where(Job.schedule_id == schedule_id, Job.state == "completed").order_by(Job.fire_at))


@pytest.mark.parametrize("frequency", [{"cron": "0 * * * *", "timezone": "Europe/Atlantis"}, {"every_moon": 1}])
def test_an_instant_whose_schedule_can_not_be_computed_any_more_has_no_following_one(account, moved_clock, frequency):
    schedule = planned(make_schedule(account))._replace(frequency=json.dumps(frequency))
    assert backfill_turns._following(schedule, clock.now()) is None
