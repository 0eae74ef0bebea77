"""Lanes that jobs of schedules join: the job of the next instant is made in advance, and stands in line when it is due."""

from models.flows import leaving
from models.flows.waits import waits_of
from models.jobs import lifecycle
from models.rules import clock
from models.schedules import schedule_changes
from models.schedules.backfills import backfill_store, backfill_turns
from tests.support.flows import ids_through, lane, let_through, next_turns, order
from tests.support.schedule_rows import create_schedule, plan, waiting_jobs_of


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
