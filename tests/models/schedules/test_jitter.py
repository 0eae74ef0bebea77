"""Jitter delays all that happens to a schedule's jobs, and changes nothing of it."""

import itertools

import pytest

from models.jobs import lifecycle
from models.rules import clock
from models.schedules import schedule_changes, schedule_store
from models.schedules.schedule_tables import Firing
from tests.support.schedule_rows import jobs_of, make_schedule, run_ticker
from workers.ticker import planner

EVERY_TEN_SECONDS = '{"repeat_every": 10}'
OUTAGE_S, CATCH_UP_S = 205, 120  # some instants are on time then, some late, some missed, some too old
POLICIES = list(itertools.product(("skip", "once", "all"), ("skip", "queue_one", "allow")))


def stand_still(moved_clock, what):
    for _ in range(OUTAGE_S // 5):
        moved_clock.advance(seconds=5)
        if what == "workers":
            planner.expire(clock.now())
            planner.plan_due(clock.now())


def work_off(start):
    """The instants whose jobs begin, in their order, each job after the one before has ended."""
    begun = []
    while claimed := run_ticker():
        begun.append(sorted(job.fire_at - start for job in claimed))
        lifecycle.complete(claimed, clock.now())
    return begun


def history(account, moved_clock, monkeypatch, jitter_us, what, beside, **policies):
    """What came of each instant until the end of an outage, without the jitter by which all of it was later."""
    monkeypatch.setattr(schedule_store, "offset_us", lambda *_: jitter_us)
    start = moved_clock.now
    schedule_id = make_schedule(
        account, EVERY_TEN_SECONDS, catch_up_us=CATCH_UP_S * clock.SECOND, jitter_us=jitter_us, **policies
    )
    moved_clock.now = start + jitter_us
    first = run_ticker()
    if not beside:
        lifecycle.complete(first, clock.now())

    stand_still(moved_clock, what)
    begun = [work_off(start)]
    lifecycle.complete(first, clock.now())
    begun.append(work_off(start))

    until = start + OUTAGE_S * clock.SECOND
    firings = Firing.select().where(Firing.schedule_id == schedule_id, Firing.fire_at <= until)
    rows = {firing.fire_at - start: (firing.status, firing.lateness_us) for firing in firings}
    jobs = [job for job in jobs_of(schedule_id) if job.fire_at <= until]
    last_moments = [(job.fire_at - start, job.state, job.start_by and job.start_by - jitter_us - start) for job in jobs]
    schedule_changes.delete(account.id, schedule_id, clock.now())  # the next one is alone
    return begun, rows, last_moments


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize("beside", [False, True], ids=["nothing under way", "beside an executing job"])
@pytest.mark.parametrize(("jitter_s", "what"), [(7, "workers"), (7, "ticker and workers"), (600, "workers")])
@pytest.mark.parametrize(("misfire_policy", "overlap_policy"), POLICIES)
def test_a_schedule_with_jitter_fares_as_one_without_it_so_much_later(
    account, moved_clock, monkeypatch, jitter_s, misfire_policy, overlap_policy, what, beside
):
    plain, jittered = (
        history(account, moved_clock, monkeypatch, us, what, beside, misfire=misfire_policy, overlap=overlap_policy)
        for us in (0, jitter_s * clock.SECOND)
    )

    assert jittered == plain
    assert {"fired", "late"} & {status for status, _ in plain[1].values()}
