"""Starts that go out later than they were counted: they are counted anew, or may not go."""

from models.database.transactions import transaction
from models.flows import starts
from models.flows.gate_tables import GateStart
from models.flows.starts import LateStart
from models.operations import claims
from models.rules import clock
from models.rules.limits import FLOW
from tests.support.flows import MARGIN, flow, gate_of, ids_through, next_turns, order


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


def test_a_start_counts_from_when_the_gates_were_locked_not_from_when_the_claim_began(account, moved_clock):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    began_at = clock.now()
    moved_clock.advance(seconds=1)

    claims.claim(ids, began_at, MARGIN)

    assert [row.started_at for row in GateStart.select()] == [clock.now()]


def test_turns_that_lie_close_together_become_one(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=0.02)
    ids_through(ids)

    assert [at - clock.now() for _, at in next_turns(ahead_s=10)] == [10 * clock.SECOND, 10 * clock.SECOND]


def test_turns_that_lie_further_apart_do_not(account, moved_clock):
    ids = order(account, flow(rate=2, per_s=10), count=4)
    ids_through(ids[:1])
    moved_clock.advance(seconds=0.03)
    ids_through(ids)

    assert [at - clock.now() for _, at in next_turns(ahead_s=10)] == [9_970_000, 10 * clock.SECOND]
