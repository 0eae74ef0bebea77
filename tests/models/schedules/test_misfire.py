"""What becomes of instants at which no job could begin: the table of docs/api.md, and the order of what begins."""

import itertools

import pytest

from models.flows import closing
from models.jobs import lifecycle
from models.jobs.job_tables import Job, LogEntry
from models.operations import claims
from models.rules import clock
from models.rules.limits import ACCOUNT, FLOW, LANE
from models.schedules import misfire, overlap, planning, schedule_changes
from models.schedules.schedule_tables import Firing, Schedule
from tests.support.documents import table
from tests.support.flows import flow, gate_of, lane, let_through, order, parked_at
from tests.support.schedule_rows import (
    HOURLY,
    MARGIN,
    SECONDLY,
    create_schedule,
    firings_of,
    jobs_of,
    make_schedule,
    run_ticker,
    waiting_jobs_of,
)
from workers.ticker import planner

EVERY_TEN_SECONDS = '{"repeat_every": 10}'
CATCH_UP_S = 120
AGES_S = {"at most a minute": (30, 60), "more than a minute": (61, 120), "more than catch_up_seconds": (121, 300)}
VALUES = {"misfire": ("skip", "once", "all"), "overlap": ("skip", "queue_one", "allow")}
BEGINS = {"begins", "the latest begins", "the latest 100 begin"}
WAITS = {"waits", "the latest waits"}
TABLE = table("docs/api.md", "### What becomes of an instant")


def values_of(cell, name):
    return VALUES[name] if cell == "any" else (cell.strip("`"),)


def lines_of_the_table():
    """Age in seconds, misfire, overlap, what becomes of the instant, the same beside an executing job."""
    for age, misfire_cell, overlap_cell, alone, beside in TABLE:
        policies = itertools.product(values_of(misfire_cell, "misfire"), values_of(overlap_cell, "overlap"))
        for age_s, policy in itertools.product(AGES_S[age.replace("`", "")], policies):
            yield age_s, *policy, alone.strip("`"), beside.strip("`")


def what_becomes_of(job):
    """As the table says it."""
    if job.state == "executing":
        return "begins"
    if job.state == "cancelled":
        return Firing.get(Firing.job_id == job.id).status
    return "waits"


def word(cell):
    return "begins" if cell in BEGINS else "waits" if cell in WAITS else cell


def a_schedule_before_its_second_instant(account, moved_clock, **policies):
    """An hourly schedule whose first job is executing; its second instant comes in an hour."""
    schedule_id = make_schedule(account, HOURLY, catch_up_us=CATCH_UP_S * clock.SECOND, **policies)
    return schedule_id, run_ticker()


def test_the_table_names_each_age_with_each_policy_once():
    lines = [line[:3] for line in lines_of_the_table()]
    assert len(set(lines)) == len(lines) == 6 * 3 * 3


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("age_s", "misfire_policy", "overlap_policy", "alone", "beside"), list(lines_of_the_table()))
@pytest.mark.parametrize("stood_still", ["workers", "ticker and workers"])
def test_r3_the_table_says_what_becomes_of_an_instant(
    account, moved_clock, age_s, misfire_policy, overlap_policy, alone, beside, stood_still
):
    """It is the same whatever stood still."""
    schedule_id, first = a_schedule_before_its_second_instant(
        account, moved_clock, misfire=misfire_policy, overlap=overlap_policy
    )
    lifecycle.complete(first, clock.now())
    if stood_still == "ticker and workers":
        Job.delete().where(Job.state == "scheduled").execute()
        Schedule.update(next_at=clock.now()).execute()

    moved_clock.advance(hours=1, seconds=age_s)
    run_ticker()

    outcomes = {firing.fire_at: firing.status for firing in Firing.select().where(Firing.schedule_id == schedule_id)}
    assert outcomes[first[0].fire_at + clock.HOUR] in ({"begins": ("fired", "late")}.get(word(alone)) or (word(alone),))


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("age_s", "misfire_policy", "overlap_policy", "alone", "beside"), list(lines_of_the_table()))
def test_the_table_says_what_becomes_of_an_instant_beside_an_executing_job(
    account, moved_clock, age_s, misfire_policy, overlap_policy, alone, beside
):
    schedule_id, _ = a_schedule_before_its_second_instant(
        account, moved_clock, misfire=misfire_policy, overlap=overlap_policy
    )

    moved_clock.advance(hours=1, seconds=age_s)
    run_ticker()

    assert what_becomes_of(jobs_of(schedule_id)[1]) == word(beside)


def outage(account, moved_clock, seconds, frequency=SECONDLY, **policies):
    """A schedule of every second, and the seconds after its start at which its jobs began after an outage, in their
    order."""
    schedule_id = make_schedule(account, frequency, catch_up_us=24 * clock.HOUR, **policies)
    start = moved_clock.now
    moved_clock.advance(seconds=seconds)
    begun = []
    while claimed := run_ticker():
        assert len([job for job in claimed if job.fire_at < moved_clock.now - 3 * clock.SECOND]) <= 1
        begun += [(job.fire_at - start) // clock.SECOND for job in claimed]
        lifecycle.complete(claimed, clock.now())
    return schedule_id, begun


@pytest.mark.parametrize("overlap_policy", ["skip", "queue_one", "allow"])
@pytest.mark.parametrize(("misfire_policy", "oldest"), [("skip", []), ("once", [9]), ("all", list(range(10)))])
def test_r3b_each_policy_keeps_the_last_minute_and_adds_the_latest(
    account, moved_clock, misfire_policy, oldest, overlap_policy
):
    """Once did less than skip, and all kept the oldest."""
    schedule_id, begun = outage(account, moved_clock, 70, misfire=misfire_policy, overlap=overlap_policy)

    assert sorted(begun) == [*oldest, *range(10, 71)]
    assert dict(firings_of(schedule_id)).keys() == set(range(71))  # no instant without a row


def test_r3_of_more_than_a_hundred_the_latest_are_kept(account, moved_clock):
    schedule_id, begun = outage(account, moved_clock, 170, misfire="all")

    assert sorted(begun) == list(range(10, 171))
    assert [second for second, status in firings_of(schedule_id) if status == "skipped_misfire"] == list(range(10))


def test_a_job_that_waited_through_the_outage_gives_way_to_a_later_one(account, moved_clock):
    schedule_id, _ = outage(account, moved_clock, 130)
    first = jobs_of(schedule_id)[0]
    assert first.state == "cancelled"
    assert "could not begin in time" in LogEntry.get(LogEntry.job_id == first.id).payload


def test_r3_what_was_missed_begins_one_after_another_the_oldest_first(account, moved_clock):
    """The latest instant is not kept waiting."""
    _, begun = outage(account, moved_clock, 3 * 3600 + 1, HOURLY, misfire="all")
    assert begun == [10800, 0, 3600, 7200]


def test_r3b_a_ticker_that_stood_still_for_some_seconds_skips_nothing(account, moved_clock):
    schedule_id, begun = outage(account, moved_clock, 8)
    assert sorted(begun) == list(range(9))
    assert {status for _, status in firings_of(schedule_id)} == {"fired"}


def test_workers_that_stood_still_leave_what_the_ticker_would_leave(account, moved_clock):
    """The planner made each job in advance, and nobody claimed them."""
    schedule_id = make_schedule(account, SECONDLY)
    start = moved_clock.now
    for _ in range(130):
        moved_clock.advance(seconds=1)
        planner.plan_due(clock.now())

    begun = []
    while claimed := run_ticker():
        begun += [(job.fire_at - start) // clock.SECOND for job in claimed]
        lifecycle.complete(claimed, clock.now())

    assert sorted(begun) == [69, *range(70, 131)]
    assert dict(firings_of(schedule_id))[0] == "skipped_misfire"


def test_a_claim_before_the_planner_begins_no_second_job(account, moved_clock):
    """A message that outlived the outage: the planner has not seen the other instants yet."""
    schedule_id = make_schedule(account, SECONDLY, catch_up_us=24 * clock.HOUR)
    moved_clock.advance(seconds=130)

    claimed = claims.claim([jobs_of(schedule_id)[0].id], clock.now(), MARGIN)

    assert claimed == []
    assert min(job.fire_at for job in waiting_jobs_of(schedule_id)) == clock.now() - 61 * clock.SECOND


def test_a_claim_just_late_does_not_plan(account, moved_clock):
    schedule_id = make_schedule(account, SECONDLY)
    moved_clock.advance(seconds=30)
    assert len(claims.claim([jobs_of(schedule_id)[0].id], clock.now(), MARGIN)) == 1
    assert len(jobs_of(schedule_id)) == 1


def test_a_fresh_job_waits_for_one_that_is_behind_and_is_not_skipped(account, moved_clock):
    schedule_id = make_schedule(account, EVERY_TEN_SECONDS)
    moved_clock.advance(seconds=50)
    lifecycle.complete(run_ticker(), clock.now())
    [behind] = run_ticker()
    moved_clock.advance(seconds=10)

    assert run_ticker() == []
    lifecycle.complete([behind], clock.now())
    overlap.release_next_in_turn([schedule_id], clock.now())

    let_go = [job.fire_at for job in waiting_jobs_of(schedule_id) if job.held_until is None]
    assert let_go == [clock.now(), clock.now() + 10 * clock.SECOND]
    assert [job.fire_at for job in run_ticker()] == [clock.now()]


def test_beside_one_that_is_behind_one_fresh_job_waits(account, moved_clock):
    schedule_id = make_schedule(account, EVERY_TEN_SECONDS)
    moved_clock.advance(seconds=20)
    lifecycle.complete(run_ticker(), clock.now())
    run_ticker()
    for _ in range(2):
        moved_clock.advance(seconds=10)
        run_ticker()
    assert dict(firings_of(schedule_id))[40] == "skipped_overlap"
    assert 30 not in dict(firings_of(schedule_id))


def test_under_allow_a_fresh_job_begins_beside_one_that_is_behind(account, moved_clock):
    make_schedule(account, SECONDLY, overlap="allow")
    moved_clock.advance(seconds=10)
    begun = run_ticker()
    moved_clock.advance(seconds=1)
    assert [job.fire_at for job in run_ticker()] == [clock.now()]
    assert len([job for job in begun if job.fire_at < clock.now() - 4 * clock.SECOND]) == 1


@pytest.mark.parametrize("policy", ["skip", "once", "all"])
def test_a_run_that_was_ordered_is_not_missed(account, moved_clock, policy):
    """Its owner asked for it, however long no worker was there."""
    schedule_id = make_schedule(account, HOURLY, first_in_s=60, misfire=policy)
    ordered = schedule_changes.fire_now(account.id, schedule_id, clock.now())
    moved_clock.advance(hours=2)
    begun = []
    while claimed := run_ticker():
        begun += [job.id for job in claimed]
        lifecycle.complete(claimed, clock.now())
    assert ordered.id in begun


def test_the_delay_by_jitter_does_not_make_an_instant_old(account, moved_clock):
    schedule_id = make_schedule(account, SECONDLY, jitter_us=3600 * clock.SECOND)
    Schedule.update(offset_us=600 * clock.SECOND).execute()
    Job.update(scheduled_at=Job.scheduled_at + 600 * clock.SECOND).execute()
    moved_clock.advance(seconds=130)
    planning.plan(clock.now(), 100)
    assert len(waiting_jobs_of(schedule_id)) == 132
    assert misfire.expire(clock.now(), 100) == 0


def test_an_instant_that_a_pause_held_back_for_too_long_says_so(account, moved_clock):
    schedule_id = make_schedule(account)
    closing.pause(account.id, ACCOUNT, "", None, "they deploy", clock.now())
    run_ticker()
    moved_clock.advance(hours=3)

    run_ticker()

    assert firings_of(schedule_id)[0] == (0, "paused")


def test_an_instant_that_waits_in_a_lane_for_what_a_paused_flow_holds_back_says_so_too(account, moved_clock):
    """It was parked at its lane, which is not paused, and said skipped_misfire."""
    gates = (flow(concurrency=1), lane())
    closing.pause(account.id, FLOW, "shop", None, "they deploy", clock.now())
    assert let_through(order(account, *gates)) == []
    schedule = create_schedule(account, {"gates": gates}, misfire="skip")
    assert run_ticker() == []
    assert [job.id for job in jobs_of(schedule.id)][0] in parked_at(gate_of(LANE, "user").id)

    moved_clock.advance(minutes=2)
    planner.expire(clock.now())

    assert firings_of(schedule.id) == [(0, "paused")]


def test_an_instant_whose_flow_was_paused_only_afterwards_does_not_say_paused(account, moved_clock):
    schedule = create_schedule(account, {"gates": (flow(concurrency=1), lane())}, misfire="skip")
    moved_clock.advance(minutes=3)
    closing.pause(account.id, FLOW, "shop", None, None, clock.now())

    planner.expire(clock.now())

    assert firings_of(schedule.id)[0][1] != "paused"


@pytest.mark.parametrize(("late_us", "is_paused"), [(0, True), (1, False)])
def test_a_pause_of_its_flow_counts_for_an_instant_that_could_begin_until_then(
    account, moved_clock, late_us, is_paused
):
    schedule = create_schedule(account, {"gates": (flow(concurrency=1), lane())}, misfire="skip")
    moved_clock.now = jobs_of(schedule.id)[0].start_by + late_us
    closing.pause(account.id, FLOW, "shop", None, None, clock.now())
    moved_clock.advance(minutes=3)

    planner.expire(clock.now())

    assert (firings_of(schedule.id)[0][1] == "paused") is is_paused


def test_an_instant_that_was_missed_before_the_pause_does_not_say_paused(account, moved_clock):
    schedule_id = make_schedule(account, misfire="skip")
    moved_clock.advance(hours=3)
    closing.pause(account.id, ACCOUNT, "", None, None, clock.now())

    run_ticker()

    assert firings_of(schedule_id)[0][1] != "paused"
