"""The faults' own invariant against a made-up history."""

import pytest

from tests.support.faults.checking import retries_wait
from tests.support.journeys.journey import SECOND
from tests.support.journeys.ledger import Arrival, Ended, History


@pytest.mark.parametrize(("gap_us", "status_code", "broken"), [(SECOND, 503, 0), (SECOND - 1, 503, 1), (5, 200, 0)])
def test_a_retry_that_comes_too_soon_after_a_failure_is_found(gap_us, status_code, broken):
    arrivals = [Arrival("a", 1, 100), Arrival("a", 2, 100 + gap_us), Arrival("b", 1, 201)]
    history = History(arrivals=arrivals, ends=[Ended("a", 1, 200, status_code)])
    assert len(retries_wait(history)) == broken
