"""Orders to stop: an echo of the first is no second one."""

import pytest

from booper import supervisor
from runtime import signals


@pytest.fixture
def steady(monkeypatch):
    """The steady clock as the test sets it, in seconds."""
    seconds = [100.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    return seconds


@pytest.mark.parametrize(("later_s", "second"), [(0, False), (0.09, False), (0.11, True), (60, True)])
def test_an_order_that_comes_again_at_once_is_the_same_order(steady, later_s, second):
    orders = signals.StopSignals()
    assert not orders.is_second()
    steady[0] += later_s
    assert orders.is_second() is second
