"""Lanes that jobs of schedules join. The next job is made in advance, and stands in line from its instant on."""

import pytest

from models.database.sql import execute
from models.flows import gates, leaving
from models.flows.waits import waits_of
from models.jobs import lifecycle
from models.operations import cancelling
from models.rules import clock
from models.rules.limits import LANE
from models.schedules import schedule_changes
from models.schedules.backfills import backfill_store, backfill_turns
from models.schedules.policies import OVERLAPS
from tests.support.flows import gate_of, ids_through, lane, let_through, next_turns, order, parked_at
from tests.support.schedule_rows import create_schedule, plan, run_ticker, waiting_jobs_of


def hourly_in_lane(account, **policies):
    """A schedule whose jobs join the lane, due now and each hour from then on; its id."""
    return create_schedule(account, {"gates": (lane(),)}, **policies).id


def end(claims):
    lifecycle.complete(claims, clock.now())
    leaving.make_room(claims)


def job_of_the_next_hour(account, **policies):
    """The schedule's id, and that of the job of its second instant. Its first one is done."""
    schedule_id = hourly_in_lane(account, **policies)
    end(let_through([job.id for job in waiting_jobs_of(schedule_id)]))
    plan()
    [coming] = waiting_jobs_of(schedule_id)
    return schedule_id, coming.id


def test_a_lane_does_not_wait_for_an_instant_that_has_not_come(account, moved_clock):
    job_of_the_next_hour(account)
    ids = order(account, lane(), count=2)

    assert ids_through(ids) == ids[:1]


def test_an_ordered_run_does_not_wait_for_the_next_instant(account, moved_clock):
    schedule_id, _ = job_of_the_next_hour(account)
    run = schedule_changes.fire_now(account.id, schedule_id, clock.now())

    assert ids_through([run.id]) == [run.id]


def test_a_backfill_does_not_wait_for_the_next_instant(account, moved_clock):
    schedule_id, coming = job_of_the_next_hour(account)
    now = clock.now()
    backfill_store.create(account.id, schedule_id, now - 2 * clock.HOUR, now - 1, now)
    backfill_turns.take_turns(now, 10)
    made = [job.id for job in waiting_jobs_of(schedule_id) if job.id != coming]

    assert len(made) == 1
    assert ids_through(made) == made


def test_an_instant_that_has_come_goes_before_what_was_created_after_its_job(account, moved_clock):
    _, coming = job_of_the_next_hour(account)
    ids = order(account, lane(), count=2)
    moved_clock.advance(hours=1)

    assert ids_through([*ids, coming]) == [coming]


def test_an_instant_that_has_come_waits_for_what_was_created_before_its_job(account, moved_clock):
    [before] = order(account, lane())
    [coming] = [job.id for job in waiting_jobs_of(hourly_in_lane(account))]

    while_another_stands_before_it = ids_through([coming])
    end(let_through([before]))

    assert (while_another_stands_before_it, ids_through([coming])) == ([], [coming])


def test_an_instant_that_has_come_waits_for_what_has_begun(account, moved_clock):
    _, coming = job_of_the_next_hour(account)
    [later] = order(account, lane())
    [begun] = let_through([later])
    moved_clock.advance(hours=1)

    while_it_runs = ids_through([coming])
    lifecycle.retry([(begun, clock.now() + clock.MINUTE)])
    while_it_waits_for_its_retry = ids_through([coming])
    why = [wait.text for wait in waits_of(coming, clock.now())]
    moved_clock.advance(minutes=1)
    end(let_through([later]))

    assert (while_it_runs, while_it_waits_for_its_retry, ids_through([coming])) == ([], [], [coming])
    assert why == [f"Job {later} goes before it in its lane user and is not final."]


def test_the_ticker_names_the_instant_that_waited_for_what_had_begun(account, moved_clock):
    _, coming = job_of_the_next_hour(account)
    begun = let_through(order(account, lane()))
    behind = order(account, lane())
    moved_clock.advance(hours=1)
    assert ids_through([*behind, coming]) == []

    end(begun)

    assert [job_id for job_id, _ in next_turns()] == [coming]


def test_two_schedules_of_a_lane_hold_up_neither_each_other_nor_their_next_instants(account, moved_clock):
    schedules = [hourly_in_lane(account, misfire="all") for _ in range(2)]
    begun = []
    for _ in range(3):
        plan()
        for _ in schedules:
            due = [job.id for each in schedules for job in waiting_jobs_of(each) if job.scheduled_at <= clock.now()]
            claims = let_through(due)
            begun += [claim.schedule_id for claim in claims]
            end(claims)
        moved_clock.advance(hours=1)

    assert begun == schedules * 3


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_what_an_outage_left_goes_through_its_lane_without_a_pause(account, moved_clock, overlap):
    """The newest goes first where there is no lane, and was the last of this one: each waited for a pause that
    doubled, up to 8 s."""
    schedule_id = hourly_in_lane(account, overlap=overlap, misfire="all", catch_up_us=clock.DAY)
    end(run_ticker())
    moved_clock.advance(hours=3)
    begun = run_ticker()
    behind = [job.id for job in waiting_jobs_of(schedule_id) if job.scheduled_at <= clock.now()]

    assert (len(begun), len(behind)) == (1, 2)
    for job_id in behind:
        end(begun)
        [named] = [each for each, _ in next_turns()]
        begun = let_through([named])
        assert [each.id for each in begun] == [job_id]


def test_what_an_outage_left_waits_for_a_run_in_another_lane(account, moved_clock):
    schedule_id = hourly_in_lane(account, overlap="queue_one", misfire="all")
    [under_way] = run_ticker()
    moved_clock.advance(hours=2)
    execute("UPDATE job SET lane_id = %s WHERE id = %s", (gates.ensure(account.id, LANE, "other", 1).id, under_way.id))

    assert run_ticker() == []
    assert parked_at(gate_of(LANE, "user").id) == []
    assert len(waiting_jobs_of(schedule_id)) >= 2


@pytest.mark.parametrize("overlap", ["skip", "queue_one"])
def test_a_request_that_was_cancelled_under_way_holds_back_the_next_although_its_lane_goes_on(
    account, moved_clock, overlap
):
    hourly_in_lane(account, overlap=overlap, misfire="all")
    [under_way] = run_ticker()
    moved_clock.advance(hours=1)
    cancelling.cancel(account.id, under_way.id, clock.now())

    while_it_is_under_way = run_ticker()

    assert while_it_is_under_way == []


@pytest.mark.parametrize(("overlap", "left"), [("skip", []), ("queue_one", ["waits"]), ("allow", ["waits", "waits"])])
def test_an_overlap_is_judged_before_the_lane(account, moved_clock, overlap, left):
    schedule_id = hourly_in_lane(account, overlap=overlap, misfire="all")
    run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()

    due = [job for job in waiting_jobs_of(schedule_id) if job.scheduled_at <= clock.now()]
    assert ["waits" for _ in due] == left
