"""Starts that go out later than they were counted: they are counted anew, or may not go."""

from models.database.transactions import transaction
from models.flows import starts
from models.flows.starts import LateStart
from models.rules import clock
from models.rules.limits import FLOW
from tests.support.flows import flow, gate_of, ids_through, order


def restart(*ids):
    flow_id = gate_of(FLOW, "shop").id
    with transaction():
        return starts.restart([LateStart(job_id, flow_id) for job_id in ids], clock.now())


def test_a_late_start_counts_from_the_instant_at_which_it_goes_out(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    ids_through(ids)
    moved_clock.advance(seconds=5)
    refused = restart(ids[0])
    moved_clock.advance(seconds=5)
    too_early = ids_through(ids)
    moved_clock.advance(seconds=5)

    assert (refused, too_early, ids_through(ids)) == (set(), [], ids[1:])


def test_a_start_that_is_so_late_that_others_took_its_place_may_not_go(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    ids_through(ids)
    moved_clock.advance(seconds=10)
    ids_through(ids)

    assert restart(ids[0]) == {ids[0]}


def test_it_may_go_when_the_window_has_room_again(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=3)
    ids_through(ids)
    moved_clock.advance(seconds=10)
    ids_through(ids)
    moved_clock.advance(seconds=10)

    assert restart(ids[0]) == set()
    assert ids_through(ids) == []


def test_a_flow_without_a_rate_lets_late_starts_go(account, moved_clock):
    ids = order(account, flow(concurrency=1))
    ids_through(ids)

    assert restart(*ids) == set()
