"""F15: a sending process stands still for longer than its leases last, and then goes on."""

import os
import signal

import pytest

from tests.support.faults.report import extra, note
from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, spread
from tests.support.waiting import wait_until

JOBS = 24
NOT_HELD = '"held":false'


@pytest.mark.alone
def test_f15_a_worker_frozen_beyond_its_lease_changes_nothing_later(production):
    """The receiver has answered it meanwhile: its late records find their claims gone."""
    production.order(list(spread(JOBS, now_us() + SECOND, 0.3, "/slow/1")))
    production.await_arrivals(JOBS, 60)
    victim = production.product.senders(production.receiver.port)[0]
    try:
        in_flight = production.product.freeze(victim)
        wait_until(production.client.settled, 60, "every job to be done by others")
        before = production.client.jobs()
    finally:
        os.kill(victim, signal.SIGCONT)
    log = production.product.processes["worker"].log
    wait_until(lambda: NOT_HELD in log(), 60, "the late records")
    history = production.settle(60)

    note("F15 frozen beyond the lease", history, in_flight=in_flight, late_records=log().count(NOT_HELD))

    assert checker.check(history, allowed_duplicates=in_flight) == []
    assert history.recorded == before
    assert 0 < extra(history) <= in_flight
