"""Limits that are changed while others change them."""

import pytest

from models.flows import gates
from models.rules import clock
from models.rules.limits import FLOW, Limits
from tests.support.flows import flow, gate_of, order, order_together
from tests.support.races import beside


def test_of_two_changes_of_limits_at_once_both_count(account):
    """The later one was made from limits that it had read before the earlier one, and took that back."""
    gate = gates.ensure(account.id, FLOW, "shop", clock.now())

    def change(**new):
        return lambda: gates.change_limits(gate.id, lambda limits: limits._replace(**new), clock.now())

    beside(change(rate=3, per_us=clock.MINUTE), change(concurrency=2))

    changed = gate_of(FLOW, "shop")
    assert (changed.rate, changed.per_us, changed.concurrency) == (3, clock.MINUTE, 2)
    assert changed.is_pinned


def test_a_flow_that_is_gone_is_not_changed(account):
    assert gates.change_limits(1, lambda limits: limits, clock.now()) is None


def test_a_change_that_is_refused_leaves_the_limits(account):
    gate = gates.ensure(account.id, FLOW, "shop", clock.now())
    gates.set_limits(gate, Limits(concurrency=5), False, clock.now())

    def refuse(limits):
        raise ValueError(limits)

    with pytest.raises(ValueError, match="concurrency=5"):
        gates.change_limits(gate.id, refuse, clock.now())
    assert (gate_of(FLOW, "shop").concurrency, gate_of(FLOW, "shop").is_pinned) == (5, 0)


FIVE, TEN, NONE = flow(concurrency=5), flow(concurrency=10), flow()


@pytest.mark.parametrize(
    ("named", "concurrency"),
    [((FIVE, TEN), 10), ((FIVE, NONE), 5), ((NONE, FIVE), 5), ((FIVE, NONE, TEN, NONE), 10), ((NONE, NONE), 7)],
)
@pytest.mark.parametrize("together", [True, False])
def test_the_limits_that_were_named_last_count_whatever_is_ordered_together(account, named, concurrency, together):
    order(account, flow(concurrency=7))

    if together:
        order_together(account, *named)
    else:
        for gate in named:
            order(account, gate)

    assert gate_of(FLOW, "shop").concurrency == concurrency
