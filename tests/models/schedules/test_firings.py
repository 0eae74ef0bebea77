"""What comes of a schedule's instants: planning, the claim of its jobs, overlap, misfires, and one row for each."""

import json

import pytest

from models.jobs import job_store, lifecycle, staging
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job, LogEntry
from models.operations import cancelling
from models.rules import clock
from models.rules.recurrence import Instants
from models.schedules import firing_rows, overlap, planning, schedule_changes, schedule_store
from models.schedules.firing_rows import FiringRow
from models.schedules.planning import Planned
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.races import held_elsewhere, map_at_once
from tests.support.schedule_rows import (
    MARGIN,
    SECONDLY,
    firings_of,
    jobs_of,
    make_schedule,
    planned,
    run_ticker,
    waiting_jobs_of,
)


def claim_firings(*claimed):
    return overlap.claim([job.id for job in claimed], clock.now(), MARGIN)


def plan():
    return planning.plan(clock.now(), 100)


def test_the_next_job_waits_in_advance(account, moved_clock):
    one = make_schedule(account)
    assert plan() == 1
    first, second = jobs_of(one)
    assert (second.state, second.fire_at) == ("scheduled", first.fire_at + clock.HOUR)
    assert plan() == 0


def test_nothing_is_planned_before_the_instant(account, moved_clock):
    make_schedule(account, first_in_s=60)
    assert plan() == 0


def test_a_schedule_that_can_not_be_planned_is_disabled(account, moved_clock):
    """Its zone went with an update of the machine: not one schedule of anybody was planned."""
    gone, other = make_schedule(account), make_schedule(account)
    told = json.dumps({"cron": "0 9 * * *", "timezone": "Atlantis/Capital"})
    Schedule.update(frequency=told).where(Schedule.id == gone).execute()
    plan()
    assert [len(jobs_of(one)) for one in (gone, other)] == [1, 2]
    assert Schedule.get_by_id(gone).disabled_at == clock.now()
    assert Schedule.get_by_id(other).disabled_at is None


def test_a_late_planner_does_not_let_the_interval_drift(account, moved_clock):
    one = make_schedule(account)
    moved_clock.advance(minutes=59)
    plan()
    assert jobs_of(one)[1].fire_at == jobs_of(one)[0].fire_at + clock.HOUR


def test_the_claim_of_a_job_is_the_row_of_its_instant(account, moved_clock):
    one = make_schedule(account, first_in_s=5)
    moved_clock.advance(seconds=6)
    [job] = claim_firings(*jobs_of(one))
    [row] = Firing.select()
    assert (row.status, row.job_id, row.lateness_us) == ("fired", job.id, clock.SECOND)


def test_a_job_that_begins_after_more_than_a_minute_is_late(account, moved_clock):
    """A job that begins more than a minute after its time is late."""
    one = make_schedule(account)
    moved_clock.advance(seconds=61)
    claim_firings(*jobs_of(one))
    assert firings_of(one) == [(0, "late")]


def test_a_job_that_begins_exactly_a_minute_late_is_fired(account, moved_clock):
    one = make_schedule(account)
    moved_clock.advance(minutes=1)
    claim_firings(*jobs_of(one))
    assert firings_of(one) == [(0, "fired")]


def test_a_job_of_a_schedule_is_not_taken_by_the_claim_of_other_jobs(account, moved_clock):
    one = make_schedule(account)
    assert lifecycle.claim([jobs_of(one)[0].id], clock.now(), MARGIN) == []
    assert len(claim_firings(*jobs_of(one))) == 1


def test_the_claim_of_schedules_takes_no_other_job(account, moved_clock):
    """A job of no schedule is not taken by the claim of schedules."""
    job, _ = job_store.create(NewJob(account.id, "{}", None, None, clock.now()), clock.now())
    assert overlap.claim([job.id], clock.now(), MARGIN) == []


def test_jitter_puts_the_job_off_and_is_no_lateness(account, moved_clock):
    one = make_schedule(account, jitter_us=3600 * clock.SECOND)
    offset_us = Schedule.get().offset_us
    job = jobs_of(one)[0]
    assert job.scheduled_at == job.fire_at + offset_us
    assert offset_us == schedule_store.offset_us(one, 3600 * clock.SECOND) > 0
    moved_clock.now = job.scheduled_at
    claim_firings(job)
    assert Firing.get().lateness_us == 0


def test_jitter_is_spread_over_schedules_and_stable():
    spread = [schedule_store.offset_us(f"schedule-{number}", 59 * clock.SECOND) for number in range(1000)]
    assert spread == [schedule_store.offset_us(f"schedule-{number}", 59 * clock.SECOND) for number in range(1000)]
    assert max(sum(offset // clock.SECOND == second for offset in spread) for second in range(60)) < 40


def test_skip_cancels_the_job_while_another_is_executing(account, moved_clock):
    one = make_schedule(account)
    run_ticker()
    moved_clock.advance(hours=1)
    assert run_ticker() == []
    assert firings_of(one) == [(0, "fired"), (3600, "skipped_overlap")]
    assert [job.state for job in jobs_of(one)] == ["executing", "cancelled", "scheduled"]


def test_skip_lets_the_job_begin_when_the_one_before_has_ended(account, moved_clock):
    one = make_schedule(account)
    lifecycle.complete(run_ticker(), clock.now())
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1
    assert firings_of(one) == [(0, "fired"), (3600, "fired")]


def test_allow_sends_both(account, moved_clock):
    make_schedule(account, overlap="allow")
    run_ticker()
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1


def test_queue_one_lets_one_wait_and_cancels_the_others(account, moved_clock):
    one = make_schedule(account, overlap="queue_one", catch_up_us=24 * clock.HOUR)
    under_way = run_ticker()
    for _ in range(3):
        moved_clock.advance(hours=1)
        assert run_ticker() == []
    assert firings_of(one) == [(0, "fired"), (7200, "skipped_overlap"), (10800, "skipped_overlap")]

    lifecycle.complete(under_way, clock.now())
    [queued] = run_ticker()
    assert queued.fire_at == jobs_of(one)[0].fire_at + clock.HOUR
    assert firings_of(one)[1] == (3600, "late")


def test_a_job_that_waits_too_long_is_skipped_for_the_overlap(account, moved_clock):
    """A job that waits too long for its turn is skipped for the overlap."""
    one = make_schedule(account, overlap="queue_one")
    run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    moved_clock.advance(hours=1, seconds=1)
    run_ticker()
    assert firings_of(one)[:2] == [(0, "fired"), (3600, "skipped_overlap")]


def test_a_waiting_job_is_released_when_the_one_before_ends(account, moved_clock):
    """The job that waits for its turn is let go when the one before ends."""
    one = make_schedule(account, overlap="queue_one")
    under_way = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    assert waiting_jobs_of(one)[0].held_until > clock.now()
    lifecycle.complete(under_way, clock.now())
    overlap.release_next_in_turn([one], clock.now())
    assert waiting_jobs_of(one)[0].held_until is None


def a_retry_and_a_queued_one(account, moved_clock):
    """A schedule one of whose jobs is under way while two others wait for their turn: under way, retry, queued."""
    one = make_schedule(account, overlap="queue_one")
    [first] = run_ticker()
    lifecycle.retry([(first, clock.now() + clock.HOUR + clock.SECOND)])
    moved_clock.advance(hours=1)
    [under_way] = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    return one, under_way, first.id, waiting_jobs_of(one)[1].id


def test_of_those_that_wait_each_schedules_oldest_is_let_go(account, moved_clock):
    begin = moved_clock.now
    one, under_way, retry, queued = a_retry_and_a_queued_one(account, moved_clock)
    moved_clock.now = begin
    other, other_under_way, other_retry, other_queued = a_retry_and_a_queued_one(account, moved_clock)
    lifecycle.complete([under_way, other_under_way], clock.now())

    overlap.release_next_in_turn([one, other], clock.now())

    due = [job.id for job in staging.due(0, clock.now(), 100)]
    assert {retry, other_retry} <= set(due)
    assert not {queued, other_queued} & set(due)


def test_a_job_that_waits_for_its_retry_does_not_hold_back_the_next(account, moved_clock):
    one = make_schedule(account)
    [first] = run_ticker()
    lifecycle.retry([(first, clock.now() + 2 * clock.HOUR)])
    moved_clock.advance(hours=1)
    assert len(run_ticker()) == 1
    assert firings_of(one)[-1] == (3600, "fired")


def test_a_retry_waits_while_the_next_is_executing(account, moved_clock):
    one = make_schedule(account)
    [first] = run_ticker()
    lifecycle.retry([(first, clock.now() + clock.HOUR + clock.SECOND)])
    moved_clock.advance(hours=1)
    [second] = run_ticker()
    moved_clock.advance(seconds=1)
    assert run_ticker() == []
    assert jobs_of(one)[0].state == "retryable"

    lifecycle.complete([second], clock.now())
    assert [job.id for job in run_ticker()] == [first.id]
    assert firings_of(one) == [(0, "fired"), (3600, "fired")]


def test_two_claims_at_once_let_one_job_of_a_schedule_begin(account, db):
    one = make_schedule(account, SECONDLY)
    now = clock.now() + 3 * clock.SECOND
    new = [planning.job_at(planned(one), now - number)._replace(scheduled_at=now - clock.SECOND) for number in range(8)]
    made = [job.id for job in job_store.create_many(new, now - clock.SECOND)]

    claims = map_at_once(lambda job_id: overlap.claim([job_id], now, MARGIN), made)

    assert len(sum(claims, [])) == 1
    assert Firing.select().where(Firing.status == "skipped_overlap").count() == 7


def test_two_planners_at_once_make_each_job_once(account, db):
    made = [make_schedule(account, SECONDLY) for _ in range(30)]
    now = clock.now() + clock.SECOND // 2

    map_at_once(lambda _: [planning.plan(now, 7) for _ in range(5)], range(4))

    assert all(len(jobs_of(one)) == 2 for one in made)


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_planner_passes_over_a_schedule_that_another_session_holds(account, moved_clock):
    held, free = make_schedule(account), make_schedule(account)
    with held_elsewhere("schedule", held):
        assert plan() == 1
        assert [len(jobs_of(one)) for one in (held, free)] == [1, 2]
    assert plan() == 1
    assert len(jobs_of(held)) == 2


def test_an_instant_has_one_job_whatever_is_asked(account, moved_clock):
    one = make_schedule(account)
    again = planning.job_at(planned(one), clock.now())
    assert job_store.create_many([again], clock.now()) == [None]


def test_a_job_that_was_cancelled_unattempted_does_not_hold_its_instant(account, moved_clock):
    one = make_schedule(account)
    lifecycle.cancel([jobs_of(one)[0].id], clock.now(), waiting_only=True)
    assert job_store.create_many([planning.job_at(planned(one), clock.now())], clock.now()) != [None]


def test_one_that_was_attempted_and_cancelled_does(account, moved_clock):
    one = make_schedule(account)
    [job] = claim_firings(*jobs_of(one))
    lifecycle.cancel([job.id], clock.now(), waiting_only=False)
    assert job_store.create_many([planning.job_at(planned(one), clock.now())], clock.now()) == [None]


def test_once_makes_up_for_all_missed_instants_with_one_job(account, moved_clock):
    """Once makes up for all that was missed with the job that waits."""
    one = make_schedule(account, SECONDLY, catch_up_us=600 * clock.SECOND)
    moved_clock.advance(seconds=100)
    [job] = run_ticker()
    assert job.fire_at == jobs_of(one)[0].fire_at
    assert firings_of(one) == [(0, "late"), *((second, "skipped_misfire") for second in range(1, 101))]


def test_once_makes_one_job_when_none_waits(account, moved_clock):
    one = make_schedule(account)
    lifecycle.complete(run_ticker(), clock.now())
    lifecycle.complete(claim_firings(*jobs_of(one)), clock.now())
    Job.update(state="completed").where(Job.state == "scheduled").execute()  # it began in time, just before the outage
    moved_clock.advance(hours=4)
    Schedule.update(catch_up_us=10 * clock.HOUR).execute()

    [job] = run_ticker()

    assert (job.fire_at - jobs_of(one)[0].fire_at) // clock.HOUR == 2
    assert [status for _, status in firings_of(one)] == ["fired", "late", "skipped_misfire", "skipped_misfire"]


def test_all_makes_up_for_each_one_after_another_the_oldest_first(account, moved_clock):
    one = make_schedule(account, misfire="all", catch_up_us=24 * clock.HOUR)
    moved_clock.advance(hours=3, seconds=1)
    begun = []

    for _ in range(4):
        [job] = run_ticker()
        begun.append((job.fire_at - jobs_of(one)[0].fire_at) // clock.HOUR)
        lifecycle.complete([job], clock.now())

    assert begun == [0, 1, 2, 3]
    assert {status for _, status in firings_of(one)} == {"late", "fired"}


def test_all_makes_up_for_a_hundred_at_most(account, moved_clock):
    one = make_schedule(account, SECONDLY, misfire="all")
    moved_clock.advance(seconds=300)
    plan()
    assert len(waiting_jobs_of(one)) == 102  # the first, a hundred made up for, and the next
    assert len(firings_of(one)) == 200


def test_an_instant_as_old_as_catch_up_is_made_up_for(account, moved_clock):
    one = make_schedule(account, misfire="all", catch_up_us=2 * clock.HOUR)
    moved_clock.advance(hours=3)
    plan()
    start = moved_clock.now - 3 * clock.HOUR
    assert [(job.fire_at - start) // clock.HOUR for job in waiting_jobs_of(one)] == [0, 1, 2, 3, 4]
    assert firings_of(one) == []


@pytest.mark.parametrize(("a_moment", "status"), [(0, "skipped_misfire"), (1, "missed_down")])
def test_what_is_older_than_catch_up_is_missed(account, moved_clock, a_moment, status):
    one = make_schedule(account, misfire="skip", catch_up_us=2 * clock.HOUR)
    moved_clock.advance(hours=2)
    moved_clock.now += a_moment
    overlap.expire(clock.now(), 100)
    assert firings_of(one) == [(0, status)]


def test_a_run_ordered_now_is_skipped_while_another_is_under_way(account, moved_clock):
    one = make_schedule(account)
    run_ticker()
    moved_clock.advance(minutes=1)
    extra = schedule_changes.fire_now(account.id, one, clock.now())
    assert run_ticker() == []
    assert Job.get_by_id(extra.id).state == "cancelled"
    assert firings_of(one) == [(0, "fired"), (60, "skipped_overlap")]


def test_skip_makes_up_for_nothing(account, moved_clock):
    one = make_schedule(account, misfire="skip")
    moved_clock.advance(hours=3)
    moved_clock.advance(minutes=30)
    assert run_ticker() == []
    assert [status for _, status in firings_of(one)] == ["missed_down", "missed_down", "missed_down", "skipped_misfire"]
    assert len(waiting_jobs_of(one)) == 1


def test_what_is_older_than_catch_up_never_begins(account, moved_clock):
    """What is older than catch up never begins even if a message names it."""
    one = make_schedule(account, catch_up_us=clock.HOUR)
    moved_clock.advance(hours=1)
    moved_clock.now += 1
    assert claim_firings(*jobs_of(one)) == []
    assert run_ticker() != []  # that of an hour later, which is on time
    assert firings_of(one) == [(0, "missed_down"), (3600, "fired")]


def test_a_job_may_begin_at_its_last_moment(account, moved_clock):
    one = make_schedule(account, catch_up_us=clock.HOUR)
    moved_clock.advance(hours=1)
    assert overlap.expire(clock.now(), 100) == 0
    assert [job.id for job in claim_firings(*jobs_of(one))] == [jobs_of(one)[0].id]


def test_a_job_is_cancelled_a_microsecond_after_its_last_moment(account, moved_clock):
    one = make_schedule(account, catch_up_us=clock.HOUR)
    moved_clock.advance(hours=1)
    moved_clock.now += 1
    assert overlap.expire(clock.now(), 100) == 1
    assert [job.state for job in jobs_of(one)] == ["cancelled"]


def test_what_was_begun_once_may_be_tried_again_at_any_time(account, moved_clock):
    one = make_schedule(account, catch_up_us=clock.HOUR)
    [job] = run_ticker()
    lifecycle.retry([(job, clock.now() + 5 * clock.HOUR)])
    Schedule.update(next_at=None).execute()
    lifecycle.cancel([waiting_jobs_of(one)[-1].id], clock.now(), waiting_only=True)
    moved_clock.advance(hours=5)
    assert [again.attempt for again in run_ticker()] == [2]
    assert firings_of(one) == [(0, "fired")]


def test_the_oldest_instants_of_a_long_outage_share_a_row(account, moved_clock):
    """Of a long outage the latest have rows and the rest share one."""
    one = make_schedule(account, SECONDLY)
    moved_clock.advance(days=365)
    run_ticker()
    shared = Firing.select().where(Firing.until_at.is_null(False)).order_by(Firing.fire_at)
    assert [row.status for row in shared] == ["missed_down", "skipped_misfire"]
    assert shared[1].fire_at >= clock.now() - clock.HOUR > shared[0].until_at
    assert sum(row.instants or 1 for row in Firing.select()) == 365 * 24 * 3600 + 1
    assert Firing.select().where(Firing.schedule_id == one).count() < 2005


@pytest.mark.parametrize(("ahead_h", "back_h"), [(1, 1), (3, 2)])
def test_a_clock_set_forward_and_back_fires_each_instant_once(account, moved_clock, ahead_h, back_h):
    """A clock set forward and back fires no instant twice and loses none."""
    one = make_schedule(account, misfire="all", catch_up_us=24 * clock.HOUR)
    lifecycle.complete(run_ticker(), clock.now())
    moved_clock.advance(hours=ahead_h)
    lifecycle.complete(run_ticker(), clock.now())
    moved_clock.advance(hours=-back_h)
    for _ in range(8):
        lifecycle.complete(run_ticker(), clock.now())
        moved_clock.advance(minutes=30)
    told = [second for second, _ in firings_of(one)]
    assert told == [3600 * number for number in range(len(told))]

    attempted = [job.fire_at for job in jobs_of(one) if job.attempted_at]
    assert len(attempted) == len(set(attempted))


def test_a_job_cancelled_by_its_owner_has_a_row(account, moved_clock):
    """A job that its owner cancelled is a row and the next comes."""
    one = make_schedule(account)
    cancelling.cancel(account.id, jobs_of(one)[0].id, clock.now())
    run_ticker()
    assert firings_of(one) == [(0, "cancelled")]
    assert [job.state for job in jobs_of(one)] == ["cancelled", "scheduled"]


def test_a_job_cancelled_under_way_keeps_its_row(account, moved_clock):
    one = make_schedule(account)
    [job] = run_ticker()
    cancelling.cancel(account.id, job.id, clock.now())
    assert firings_of(one) == [(0, "fired")]


def test_disabling_lets_the_job_under_way_finish(account, moved_clock):
    """Disabling lets the one under way finish and writes the due ones down."""
    one = make_schedule(account, overlap="queue_one")
    [under_way] = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    schedule_changes.disable(account.id, one, clock.now())
    assert [job.state for job in jobs_of(one)] == ["executing", "cancelled", "cancelled"]
    assert firings_of(one) == [(0, "fired"), (3600, "disabled")]
    assert lifecycle.complete([under_way], clock.now()) == {under_way.id}
    assert LogEntry.select().where(LogEntry.event == "worker.job.cancelled").count() == 2


def test_disabling_twice_changes_nothing(account, moved_clock):
    one = make_schedule(account, first_in_s=60)
    first = schedule_changes.disable(account.id, one, clock.now())
    moved_clock.advance(hours=1)
    assert schedule_changes.disable(account.id, one, clock.now()) == first


def test_enabling_before_the_instant_makes_its_job_again(account, moved_clock):
    one = make_schedule(account, first_in_s=60)
    schedule_changes.disable(account.id, one, clock.now())
    schedule_changes.enable(account.id, one, clock.now(), 100)
    moved_clock.advance(minutes=1)
    assert [job.fire_at for job in run_ticker()] == [clock.now()]
    assert Firing.select().count() == 1


def test_a_year_disabled_is_not_a_year_of_rows(account, moved_clock):
    one = make_schedule(account, SECONDLY)
    schedule_changes.disable(account.id, one, clock.now())
    moved_clock.advance(days=365)
    schedule_changes.enable(account.id, one, clock.now(), 100)
    assert Firing.select().count() == 1002  # the one whose job waited, a thousand, and one for those before
    assert sum(row.instants or 1 for row in Firing.select()) == 365 * 24 * 3600 + 1
    assert waiting_jobs_of(one)[0].fire_at == clock.now() + clock.SECOND


def test_a_deleted_schedule_is_planned_no_more(account, moved_clock):
    one = make_schedule(account)
    assert schedule_changes.delete(account.id, one, clock.now())
    assert not schedule_changes.delete(account.id, one, clock.now())
    moved_clock.advance(hours=5)
    assert run_ticker() == []


def test_rows_go_when_they_are_old(account, moved_clock):
    one = make_schedule(account)
    run_ticker()
    moved_clock.advance(days=30)
    firing_rows.add([FiringRow(one, 1, "disabled", None, None, clock.now())])
    assert firing_rows.prune(clock.now() - 30 * clock.DAY, 100) == 0
    assert firing_rows.prune(clock.now() - clock.DAY, 100) == 1
    assert [row.fire_at for row in Firing.select()] == [1]


def test_planning_looks_at_no_idle_schedule(account, moved_clock):
    make_schedule(account, first_in_s=3600)
    due = make_schedule(account)
    assert plan() == 1
    assert len(jobs_of(due)) == 2


def policy(misfire, catch_up_us=100):
    values = dict.fromkeys(Planned._fields)
    return Planned(**{**values, "id": "s", "misfire": misfire, "catch_up_us": catch_up_us})


MIN = clock.MINUTE


@pytest.mark.parametrize(
    ("misfire", "first_waits", "made_up", "statuses"),
    [
        ("skip", False, [9 * MIN], ["missed_down", "skipped_misfire"]),
        ("once", True, [], ["missed_down", "skipped_misfire", "skipped_misfire"]),
        ("once", False, [5 * MIN], ["missed_down", "skipped_misfire"]),
        ("all", False, [5 * MIN, 9 * MIN], ["missed_down"]),
    ],
)
def test_what_becomes_of_missed_instants(misfire, first_waits, made_up, statuses):
    old, recent = Instants(None, [1 * MIN]), Instants(None, [5 * MIN, 9 * MIN])
    decision = planning.decide(policy(misfire, 6 * MIN), old, recent, first_waits, 10 * MIN)
    assert decision.made_up == made_up
    assert [row.status for row in decision.rows] == statuses


@pytest.mark.parametrize(
    ("misfire", "catch_up", "window"), [("skip", 10 * MIN, MIN), ("once", 10 * MIN, 10 * MIN), ("all", MIN - 1, MIN)]
)
def test_a_job_may_begin_within_catch_up_and_always_within_a_minute(misfire, catch_up, window):
    assert planning.window_us(policy(misfire, catch_up)) == window
