"""The claim of jobs that name a flow or a lane: which may pass, which wait, and when they are looked at again."""

import pytest

from models.accounts import account_store
from models.database.transactions import transaction
from models.flows import closing, gates, orders, parking
from models.flows.gate_tables import GateStart
from models.flows.waits import waits_of
from models.jobs import lifecycle
from models.jobs.job_kinds import GROUP
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.operations import cancelling
from models.rules import clock
from models.rules.limits import ACCOUNT, FLOW, HOST, LANE
from models.rules.turns import LEAD_US
from tests.support.flows import flow, gate_of, ids_through, lane, let_through, next_turns, order, parked_at
from tests.support.races import map_at_once


def test_at_most_so_many_of_a_flow_are_under_way_at_once(account, moved_clock):
    ids = order(account, flow(concurrency=2), count=5)

    assert ids_through(ids) == ids[:2]
    assert ids_through(ids) == []


@pytest.mark.parametrize("limits", [{"concurrency": 1}, {"rate": 1, "per_s": 60}])
def test_of_those_that_are_due_the_one_that_was_due_first_passes(account, moved_clock, limits):
    [later], [sooner] = order(account, flow(**limits), in_s=2), order(account, flow(), in_s=1)
    moved_clock.advance(seconds=2)

    assert ids_through([later, sooner]) == [sooner]


def test_the_next_of_a_flow_passes_when_one_has_ended(account, moved_clock):
    ids = order(account, flow(concurrency=2), count=5)
    first, _ = let_through(ids)

    lifecycle.complete([first], clock.now())

    assert ids_through(ids) == ids[2:3]


def test_a_job_that_waits_for_its_retry_takes_no_place_of_a_flow(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)

    lifecycle.retry([(first, clock.now() + clock.MINUTE)])

    assert ids_through(ids) == ids[1:]


def test_a_job_cancelled_under_way_takes_its_place_until_its_claim_ends(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)
    lifecycle.cancel([first.id], clock.now(), waiting_only=False)
    held = ids_through(ids)

    lifecycle.close_cancelled_claims([first])

    assert (held, ids_through(ids)) == ([], ids[1:])


def test_a_rate_lets_so_many_start_in_any_window(account, moved_clock):
    ids = order(account, flow(rate=3, per_s=60), count=8)

    first = ids_through(ids)
    moved_clock.advance(seconds=59)
    too_early = ids_through(ids)
    moved_clock.advance(seconds=1)

    assert (first, too_early, ids_through(ids)) == (ids[:3], [], ids[3:6])


def test_starts_that_came_apart_leave_the_window_apart(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=60), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=30)
    ids_through(ids[:2])
    moved_clock.advance(seconds=30)

    assert ids_through(ids) == ids[2:3]


def test_a_retry_counts_as_a_start(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=60), count=2)
    [first] = let_through(ids[:1])
    lifecycle.retry([(first, clock.now())])

    again = ids_through(ids[:1])

    assert (again, ids_through(ids)) == (ids[:1], [])


def test_jobs_that_may_not_pass_are_parked_out_of_the_stagers_sight(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=3)
    ids_through(ids)

    held = [Job.get_by_id(job_id).held_until for job_id in ids[1:]]

    assert (parked_at(gate_of(FLOW, "shop").id), held) == (ids[1:], [gates.FAR, gates.FAR])


def test_nothing_overtakes_a_job_that_is_parked(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)
    [late] = order(account, flow())
    lifecycle.complete([first], clock.now())

    assert (ids_through([late]), ids_through(ids[1:])) == ([], ids[1:])


def test_flows_of_other_keys_do_not_wait_for_one_another(account, moved_clock):
    ids = order(account, flow("a", concurrency=1)) + order(account, flow("b", concurrency=1))

    assert ids_through(ids) == ids


def test_jobs_of_a_lane_go_one_after_another(account, moved_clock):
    ids = order(account, lane(), count=3)
    [first] = let_through(ids)

    while_it_runs = ids_through(ids)
    lifecycle.retry([(first, clock.now() + clock.MINUTE)])
    while_it_waits_for_its_retry = ids_through(ids)
    moved_clock.advance(minutes=1)
    [again] = let_through(ids)
    lifecycle.discard([again], clock.now())

    assert (first.id, again.id) == (ids[0], ids[0])
    assert (while_it_runs, while_it_waits_for_its_retry, ids_through(ids)) == ([], [], ids[1:2])


def test_a_lane_and_a_flow_both_count(account, moved_clock):
    in_lane = order(account, flow(concurrency=1), lane(), count=2)
    beside = order(account, flow())

    assert ids_through(in_lane + beside) == in_lane[:1]


def test_the_ticker_names_the_next_of_a_rate_for_the_instant_of_its_turn(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=60), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=10)
    ids_through(ids)

    assert next_turns(ahead_s=49) == []
    assert next_turns(ahead_s=50) == [(ids[2], clock.now() + 50 * clock.SECOND - LEAD_US)]


def test_the_ticker_names_the_next_of_a_flow_once_one_has_ended(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=3)
    [first] = let_through(ids)
    before = next_turns()

    lifecycle.complete([first], clock.now())
    gates.wake([gate_of(FLOW, "shop").id], clock.now())

    assert (before, next_turns(), next_turns()) == ([], [(ids[1], clock.now())], [])


def test_the_next_of_a_lane_is_looked_at_when_the_one_before_is_cancelled(account, moved_clock):
    ids = order(account, lane(), count=3)
    ids_through(ids)
    cancelling.cancel(account.id, ids[0], clock.now())

    assert next_turns() == [(ids[1], clock.now())]


def test_a_gate_that_nobody_woke_is_looked_at_by_the_ticker(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)
    lifecycle.complete([first], clock.now())
    before = next_turns()

    parking.wake_forgotten(clock.now())

    assert (before, next_turns()) == ([], [(ids[1], clock.now())])


def test_a_paused_flow_lets_nothing_pass_until_it_is_resumed(account, moved_clock):
    ids = order(account, flow(concurrency=5), count=3)
    closing.pause(account.id, FLOW, "shop", None, "they deploy", clock.now())
    while_paused = ids_through(ids)

    closing.resume(account.id, FLOW, "shop", clock.now())

    assert (while_paused, [job_id for job_id, _ in next_turns()], ids_through(ids)) == ([], ids, ids)


def test_a_pause_ends_by_itself(account, moved_clock):
    ids = order(account, flow(concurrency=5))
    closing.pause(account.id, FLOW, "shop", clock.now() + clock.MINUTE, None, clock.now())
    ids_through(ids)

    assert next_turns(ahead_s=59) == []
    assert next_turns(ahead_s=60) == [(ids[0], clock.now() + clock.MINUTE)]


@pytest.mark.parametrize(("kind", "key"), [(HOST, "a.example"), (ACCOUNT, "")])
def test_nothing_is_sent_to_a_paused_host_or_for_a_paused_account(account, moved_clock, kind, key):
    ids = order(account, count=2, host="a.example")
    closing.pause(account.id, kind, key, None, None, clock.now())
    while_paused = ids_through(ids)

    closing.resume(account.id, kind, key, clock.now())

    assert (while_paused, [job_id for job_id, _ in next_turns()], ids_through(ids)) == ([], ids, ids)


def test_a_paused_host_holds_back_no_other_host_and_no_other_account(account, moved_clock):
    bob = account_store.account_named("bob", clock.now())
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())
    ids = order(account, host="b.example") + order(bob, host="a.example")

    assert ids_through(ids) == ids


def test_jobs_of_a_host_that_opens_again_return_in_small_groups(account, moved_clock):
    ids = order(account, count=60, host="a.example")
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())
    ids_through(ids)
    closing.resume(account.id, HOST, "a.example", clock.now())

    groups = []
    for _ in range(3):
        groups.append(len(next_turns()))
        moved_clock.advance(seconds=0.25)

    assert groups == [25, 25, 10]


def test_a_lane_that_stops_at_a_discarded_job_goes_on_when_it_is_resumed(account, moved_clock):
    ids = order(account, lane(stops=True), count=2)
    [first] = let_through(ids)
    with transaction():
        lifecycle.discard([first], clock.now())
        closing.stop_lanes({first.lane_id: first.id}, clock.now())
    stopped = ids_through(ids)

    closing.resume(account.id, LANE, "user", clock.now())

    assert (stopped, ids_through(ids)) == ([], ids[1:])


def test_a_lane_that_goes_on_does_not_stop_at_a_discarded_job(account, moved_clock):
    ids = order(account, lane(stops=False), count=2)
    [first] = let_through(ids)
    with transaction():
        lifecycle.discard([first], clock.now())
        closing.stop_lanes({first.lane_id: first.id}, clock.now())

    assert ids_through(ids) == ids[1:]


def test_a_lower_limit_counts_for_those_that_wait(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=4)
    ids_through(ids)

    [joined] = order(account, flow(concurrency=3))

    assert ids_through([*ids, joined]) == ids[1:3]


def test_starts_that_no_window_reaches_are_deleted(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=1), count=6)
    for _ in range(3):
        ids_through(ids)
        moved_clock.advance(seconds=1)

    assert [row.number for row in GateStart.select().order_by(GateStart.number)] == [5, 6]


def test_two_claims_at_once_let_no_more_pass_than_the_flow_allows(account, db):
    ids = order(account, flow(rate=5, per_s=60, concurrency=7), count=40)

    passed = map_at_once(lambda part: ids_through(ids[part::4]), range(4))

    assert len(sum(passed, [])) == 5


def order_of_a_set(account, *gates, in_s=0):
    """The job of a schedule that makes one for each target of a group; its id."""
    at = clock.now() + int(in_s * clock.SECOND)
    return orders.create(NewJob(account.id, "{}", None, None, at, gates=gates, kind=GROUP), clock.now())[0].id


def test_a_lane_does_not_wait_for_a_job_that_makes_others(account, moved_clock):
    """What a daily schedule had made for its targets waited for the job of the next day, which is made in advance."""
    order_of_a_set(account, lane(), in_s=86_400)
    ids = order(account, lane(), count=2)

    assert ids_through(ids) == ids[:1]


def test_a_lane_waits_for_a_job_that_sends_later(account, moved_clock):
    order(account, lane(), in_s=86_400)
    ids = order(account, lane())

    assert ids_through(ids) == []


def test_a_job_that_makes_others_does_not_wait_for_the_lane(account, moved_clock):
    [first] = order(account, lane())
    let_through([first])
    of_a_set = order_of_a_set(account, lane())

    assert ids_through([of_a_set]) == [of_a_set]


def test_a_job_that_makes_others_takes_no_start_and_waits_for_none(account, moved_clock):
    sets = [order_of_a_set(account, flow(rate=1, per_s=60)) for _ in range(3)]
    ids = order(account, flow(), count=2)

    assert ids_through(sets[:2]) == sets[:2]
    assert ids_through(ids) == ids[:1]
    assert ids_through(sets[2:]) == sets[2:]


@pytest.mark.parametrize(("kind", "key", "gate"), [(LANE, "user", lane()), (FLOW, "shop", flow(rate=1, per_s=60))])
def test_a_job_that_makes_others_waits_until_a_pause_is_over(account, moved_clock, kind, key, gate):
    of_a_set = order_of_a_set(account, gate)
    closing.pause(account.id, kind, key, None, None, clock.now())
    held = ids_through([of_a_set])
    paused = [wait.code for wait in waits_of(of_a_set, clock.now())]

    closing.resume(account.id, kind, key, clock.now())

    assert (held, paused, waits_of(of_a_set, clock.now())) == ([], [f"{kind}_paused"], [])
    assert next_turns() == [(of_a_set, clock.now())]
    assert ids_through([of_a_set]) == [of_a_set]
