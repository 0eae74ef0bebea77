"""The starts of a flow by the minute: what is counted, shown and forgotten."""

from models.flows import minutes
from models.flows.gate_tables import FlowMinute
from models.rules import clock
from models.rules.limits import FLOW
from tests.support.flows import flow, gate_of, ids_through, order


def hour_of(gate):
    return minutes.last_hour([gate.id], clock.now())[gate.id]


def test_each_start_counts_in_its_minute(account, moved_clock):
    ids_through(order(account, flow("shop"), count=2))
    moved_clock.advance(seconds=60)
    ids_through(order(account, flow("shop"), count=3))

    hour = hour_of(gate_of(FLOW, "shop"))

    assert (len(hour), hour[-2:], sum(hour)) == (60, [2, 3], 5)


def test_claims_of_one_minute_add_up(account, moved_clock):
    for _ in range(3):
        ids_through(order(account, flow("shop")))

    assert hour_of(gate_of(FLOW, "shop"))[-1] == 3


def test_a_job_that_waits_is_not_counted(account, moved_clock):
    ids_through(order(account, flow("shop", rate=1, per_s=60), count=3))

    assert hour_of(gate_of(FLOW, "shop"))[-1] == 1


def test_a_job_without_a_flow_is_not_counted(account, moved_clock):
    ids_through(order(account, count=3))

    assert FlowMinute.select().count() == 0


def test_counts_of_another_flow_and_of_an_hour_ago_are_not_shown(account, moved_clock):
    ids_through(order(account, flow("shop")))
    ids_through(order(account, flow("other")))
    moved_clock.advance(seconds=3600)

    assert sum(hour_of(gate_of(FLOW, "shop"))) == 0


def test_no_count_is_deleted_while_it_is_shown(account, moved_clock):
    ids_through(order(account, flow("shop")))
    for _ in range(minutes.SHOWN - 1):
        moved_clock.advance(seconds=60)
        minutes.forget(clock.now())

    assert hour_of(gate_of(FLOW, "shop"))[0] == 1


def test_old_counts_are_deleted_and_shown_ones_are_not(account, moved_clock):
    ids_through(order(account, flow("shop")))
    moved_clock.advance(seconds=3 * 3600)
    ids_through(order(account, flow("shop")))

    assert (minutes.forget(clock.now()), hour_of(gate_of(FLOW, "shop"))[-1]) == (1, 1)
    assert FlowMinute.select().count() == 1
