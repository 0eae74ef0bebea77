"""Jobs of schedules that join a flow: the overlap policy and the limits of the flow hold beside one another."""

import pytest

from models.flows import gates, leaving
from models.jobs import lifecycle
from models.rules import clock
from models.rules.limits import FLOW
from models.schedules import overlap
from tests.support.flows import flow, gate_of, let_through, next_turns, order, parked_at
from tests.support.schedule_rows import create_schedule, firings_of, jobs_of, run_ticker, waiting_jobs_of

OVERLAPS = ["skip", "queue_one", "allow"]


def schedule_in_flow(account, overlap):
    return create_schedule(account, {"gates": (flow(concurrency=1),)}, overlap=overlap).id


def end(claims):
    lifecycle.complete(claims, clock.now())
    leaving.make_room(claims)


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_an_instant_whose_flow_is_full_begins_when_there_is_room(account, moved_clock, overlap):
    others = let_through(order(account, flow(concurrency=1)))
    schedule_id = schedule_in_flow(account, overlap)
    while_full = run_ticker()
    parked = parked_at(gate_of(FLOW, "shop").id)

    end(others)
    named = [job_id for job_id, _ in next_turns()]
    [begun] = let_through(named)

    [first, *_] = jobs_of(schedule_id)
    assert (while_full, parked, named, begun.id) == ([], [first.id], [first.id], first.id)
    assert firings_of(schedule_id)[0] == (0, "fired")


def test_an_instant_that_its_overlap_skips_takes_no_place_of_the_flow(account, moved_clock):
    schedule_id = schedule_in_flow(account, "skip")
    [under_way] = run_ticker()
    moved_clock.advance(hours=1)
    assert run_ticker() == []

    assert parked_at(gate_of(FLOW, "shop").id) == []
    assert [status for _, status in firings_of(schedule_id)] == ["fired", "skipped_overlap"]
    assert under_way.flow_id == gate_of(FLOW, "shop").id


def test_an_instant_that_is_queued_begins_when_overlap_and_flow_let_it(account, moved_clock):
    schedule_id = schedule_in_flow(account, "queue_one")
    first = run_ticker()
    moved_clock.advance(hours=1)
    assert run_ticker() == []
    queued = waiting_jobs_of(schedule_id)[0].id

    end(first)
    others = let_through(order(account, flow()))
    while_full = run_ticker()
    end(others)
    named = [job_id for job_id, _ in next_turns()]

    assert (while_full, named) == ([], [queued])
    assert [job.id for job in let_through(named)] == [queued]


def test_overlapping_instants_of_a_schedule_that_allows_them_wait_for_their_flow(account, moved_clock):
    schedule_id = schedule_in_flow(account, "allow")
    first = run_ticker()
    moved_clock.advance(hours=1)
    beside = run_ticker()
    parked = parked_at(gate_of(FLOW, "shop").id)

    end(first)

    assert (beside, len(parked)) == ([], 1)
    assert [job.id for job in let_through([job_id for job_id, _ in next_turns()])] == parked
    assert len(jobs_of(schedule_id)) >= 2


def test_a_job_that_waits_at_its_flow_keeps_its_place_when_another_of_its_schedule_ends(account, moved_clock):
    schedule_id = schedule_in_flow(account, "allow")
    first = run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()
    flow_id = gate_of(FLOW, "shop").id
    [waiting] = parked_at(flow_id)

    lifecycle.complete(first, clock.now())
    overlap.release_next_in_turn([schedule_id], clock.now())

    assert [job.held_until for job in waiting_jobs_of(schedule_id) if job.id == waiting] == [gates.FAR]
