"""Parked jobs are named again as soon as they may pass: nothing is forgotten, and nothing is looked at in vain."""

from models.flows import closing, parking
from models.jobs import lifecycle
from models.rules import clock
from models.rules.limits import HOST
from tests.support.flows import flow, ids_through, lane, let_through, next_turns, order


def test_a_job_that_may_pass_now_is_named_for_now_however_far_the_ticker_looks_ahead(account, moved_clock):
    ids = order(account, flow(concurrency=1), count=2)
    [first] = let_through(ids)
    lifecycle.complete([first], clock.now())
    parking.wake_forgotten(clock.now())

    assert next_turns(ahead_s=10) == [(ids[1], clock.now())]


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
