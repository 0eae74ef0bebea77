"""Parked jobs are named again as soon as they may pass: nothing is forgotten, and nothing is looked at in vain."""

import pytest

from models.database.sql import any_of
from models.flows import closing, gates, leaving, pacing, parking
from models.jobs import lifecycle, staging
from models.rules import clock
from models.rules.limits import FLOW, HOST, LANE
from tests.support.flows import (
    flow,
    gate_of,
    ids_through,
    lane,
    let_through,
    next_turns,
    order,
    order_together,
    parked_at,
)
from tests.support.races import at_once, beside
from tests.support.rows import plan_of


def test_a_job_that_may_pass_now_is_named_for_now_however_far_the_ticker_looks_ahead(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)
    lifecycle.complete([first], clock.now())
    parking.wake_forgotten(clock.now())

    assert next_turns(ahead_s=10) == [(ids[1], clock.now())]


def test_of_those_that_wait_at_a_flow_the_one_that_was_due_first_is_named(account, moved_clock):
    [running], [later], [sooner] = (order(account, flow(concurrency=1), in_s=in_s) for in_s in (0, 2, 1))
    moved_clock.advance(seconds=2)
    [claim] = let_through([running, later, sooner])
    lifecycle.complete([claim], clock.now())

    parking.wake_forgotten(clock.now())

    assert next_turns() == [(sooner, clock.now())]


def test_jobs_of_a_host_that_opens_again_are_named_for_now(account, moved_clock):
    ids = order(account, host="a.example")
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())
    ids_through(ids)
    closing.resume(account.id, HOST, "a.example", clock.now())

    assert next_turns(ahead_s=10) == [(ids[0], clock.now())]


def test_the_next_of_a_lane_is_found_behind_many_that_were_due_before_it(account, moved_clock):
    [first] = order(account, lane())
    [head] = order(account, lane(), in_s=1)
    behind = order(account, lane(), count=100)
    [running] = let_through([first])
    ids_through(behind)
    moved_clock.advance(seconds=1)
    ids_through([head])
    lifecycle.complete([running], clock.now())

    parking.wake_forgotten(clock.now())

    assert next_turns() == [(head, clock.now())]


def test_a_job_parked_while_another_makes_room_is_looked_at(account, db, monkeypatch):
    if db == "sqlite":
        pytest.skip("SQLite's writers take turns")
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids[:1])

    def end_first():
        lifecycle.complete([first], clock.now())
        leaving.make_room([first])

    def park_late(jobs):
        if jobs:
            at_once(end_first)
        park(jobs)

    park = parking.park
    monkeypatch.setattr(parking, "park", park_late)
    while_full = ids_through(ids[1:])

    assert while_full == []
    assert [job_id for job_id, _ in next_turns()] == ids[1:]


def test_a_flow_that_is_full_is_not_looked_at_in_vain(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    ids_through(ids)

    assert parking.wake_forgotten(clock.now()) == 0


def test_a_lane_whose_head_is_under_way_is_not_looked_at_in_vain(account, moved_clock):
    ids = order(account, lane(), count=2)
    ids_through(ids)

    assert parking.wake_forgotten(clock.now()) == 0


def test_an_order_that_joins_a_flow_does_not_hide_it_from_the_ticker(account, db):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)
    lifecycle.complete([first], clock.now())
    leaving.make_room([first])

    named = beside(lambda: gates.join(account.id, [flow()], clock.now()), next_turns)

    assert [job_id for job_id, _ in named] == ids[1:]


def test_a_snoozed_job_keeps_no_place_of_its_flow(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=3)
    [first] = let_through(ids)
    lifecycle.complete([first], clock.now())

    staging.snooze(ids[1:2], clock.now(), clock.MINUTE)

    assert ids_through(ids[2:]) == ids[2:]


def test_a_paused_event_does_not_return_when_its_host_opens(account, moved_clock):
    ids = order(account, host="a.example")
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())
    ids_through(ids)
    staging.pause(ids)

    closing.resume(account.id, HOST, "a.example", clock.now())

    assert next_turns() == []


def test_a_job_that_its_lane_holds_keeps_no_place_of_its_flow(account, moved_clock):
    [running] = let_through(order(account, flow(concurrency=1)))
    [in_lane] = order(account, flow(), lane())
    ids_through([in_lane])
    closing.pause(account.id, LANE, "user", None, None, clock.now())
    lifecycle.complete([running], clock.now())
    [beside_it] = order(account, flow())

    assert ids_through([in_lane, beside_it]) == [beside_it]


def test_jobs_of_a_host_return_although_the_first_hundred_are_named_already(account, moved_clock):
    ids = order(account, host="a.example", count=130)
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())
    ids_through(ids)
    closing.resume(account.id, HOST, "a.example", clock.now())
    for _ in range(8):
        next_turns()
        moved_clock.advance(seconds=0.25)
    let_through(ids[:100])

    assert [job_id for job_id, _ in next_turns()] == ids[100:125]


def test_a_gate_that_names_its_jobs_ahead_is_looked_at_again_when_it_opens(account, moved_clock):
    ids = order(account, host="a.example", count=30)
    closing.pause(account.id, HOST, "a.example", clock.now() + 5 * clock.SECOND, None, clock.now())
    ids_through(ids)

    first = [job_id for job_id, _ in next_turns(ahead_s=10)]
    moved_clock.advance(seconds=5.25)

    assert (first, [job_id for job_id, _ in next_turns()]) == (ids[:25], ids[25:])


def test_a_claim_does_not_put_off_the_next_look_of_the_ticker(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10), count=8)
    ids_through(ids)
    moved_clock.advance(seconds=9)
    named = [job_id for job_id, _ in next_turns(ahead_s=1)]
    moved_clock.advance(seconds=1)
    ids_through(named[:1])

    assert [job_id for job_id, _ in next_turns(ahead_s=10)] == ids[4:6]


def test_orders_lock_gates_in_the_order_in_which_claims_do(account, db):
    order(account, lane("b"))
    order(account, lane("a"))
    lower, higher = gate_of(LANE, "b").id, gate_of(LANE, "a").id

    created = beside(
        lambda: gates.lock([lower]),
        lambda: order_together(account, lane("a"), lane("b")),
        then=lambda: gates.lock([higher]),
    )

    assert len(created) == 2


def test_a_claim_looks_at_no_more_parked_jobs_than_it_has_jobs_of_one_flow(account, db, monkeypatch):
    ids = [job_id for key in "abc" for job_id in order(account, flow(key, concurrency=1))]
    looks = []
    uses = pacing.uses
    monkeypatch.setattr(pacing, "uses", lambda gates, most, now: looks.append(most) or uses(gates, most, now))

    ids_through(ids)

    assert looks == [3]


@pytest.mark.parametrize("limits", [{"concurrency": 3}, {"rate": 3, "per_s": 5}])
def test_jobs_staged_in_their_turn_pass_in_whatever_order_their_messages_come(account, moved_clock, limits):
    ids = order(account, flow(**limits), count=6)
    first = let_through(ids)
    lifecycle.complete(first, clock.now())
    leaving.make_room(first)
    moved_clock.advance(seconds=5)
    staged = [job_id for job_id, _ in next_turns()]

    assert staged == ids[3:]
    assert [ids_through([job_id]) for job_id in reversed(staged)] == [[job_id] for job_id in reversed(staged)]


def test_a_new_job_does_not_overtake_those_staged_in_their_turn(account, moved_clock):
    ids = order(account, flow(concurrency=2), count=3)
    first, second = let_through(ids)
    lifecycle.complete([first], clock.now())
    leaving.make_room([first])
    next_turns()
    [late] = order(account, flow())

    assert (ids_through([late]), ids_through(ids[2:])) == ([], ids[2:])


@pytest.mark.parametrize(("limits", "is_woken"), [({"concurrency": 1}, True), ({"rate": 1, "per_s": 60}, False)])
def test_the_end_of_a_job_wakes_its_flow_unless_a_rate_alone_limits_it(account, moved_clock, limits, is_woken):
    """A flow with a rate alone waits for no end: it would be looked at in vain after each."""
    ids = order(account, flow(**limits), count=2)
    first = let_through(ids)
    turn_at = gate_of(FLOW, "shop").wake_at
    moved_clock.advance(seconds=1)
    lifecycle.complete(first, clock.now())

    leaving.make_room(first)

    assert gate_of(FLOW, "shop").wake_at == (clock.now() if is_woken else turn_at)


def test_a_look_at_gates_never_reads_all_jobs(account, db):
    """Told that no job was parked, PostgreSQL read all jobs once for all gates: 15,000 took a sixth of a second."""
    if db == "sqlite":
        pytest.skip("SQLite never does so")
    ids = order(account, flow(concurrency=1), count=2)
    ids_through(ids)
    these, params = any_of("id", [gate_of(FLOW, "shop").id])

    plan = plan_of(db, f"SELECT id FROM gate WHERE {these} AND {parking.OVERLOOKED}", (params, *[clock.now()] * 6))

    assert ("job_parked" in plan, "hashed SubPlan" in plan) == (True, False)


def test_gates_that_were_forgotten_are_found_one_after_another(account, moved_clock):
    keys = ["a", "b", "c"]
    claims = [claim for key in keys for claim in let_through(order(account, flow(key, concurrency=1), count=3))]
    parked = [job_id for key in keys for job_id in parked_at(gate_of(FLOW, key).id)]
    lifecycle.complete(claims, clock.now())

    assert (len(parked), parking.wake_forgotten(clock.now())) == (6, 3)
