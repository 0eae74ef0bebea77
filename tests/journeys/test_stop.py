"""Told to stop, both modes end by themselves, and what was under way is finished first."""

import re
import signal

import pytest
import requests

from tests.support.journeys import checker
from tests.support.journeys.client import now_us
from tests.support.journeys.journey import SECOND, spread
from tests.support.journeys.processes import Running

JOBS = 60


def test_stopping_finishes_what_is_under_way_and_keeps_the_rest(either_mode):
    """Each job arrives once: none under way is cut and sent again, none that waits is lost."""
    either_mode.order(list(spread(JOBS, now_us() + SECOND, 3, "/slow/1")))
    either_mode.await_arrivals(JOBS // 4, 60)
    statuses = either_mode.product.stop()
    assert set(statuses.values()) == {0}
    assert either_mode.receiver.arrived() < JOBS

    either_mode.product.start()
    history = either_mode.settle(60)
    assert checker.check(history) == []
    assert len(history.arrivals) == JOBS


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_cuts_no_request_under_way(production, signum):
    """A child that got the order twice once took it for a second one, and ended at once: its jobs were sent again."""
    production.order(list(spread(JOBS, now_us() + SECOND, 3, "/slow/1")))
    production.await_arrivals(JOBS // 4, 60)
    statuses = production.product.stop_by(lambda running: running.tell_group_to_stop(signum))
    assert statuses["worker"] == 0
    assert None not in statuses.values()  # the API ends by itself too, with a status of its own
    production.product.start()
    history = production.settle(60)
    assert checker.check(history) == []
    assert len(history.arrivals) == JOBS


def open_tail(browser, product):
    """The live tail of the log, as the page of the log opens it."""
    site = f"http://127.0.0.1:{product.port}"
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get(f"{site}/sign-in", timeout=10).text)[1]
    assert browser.post(f"{site}/sign-in", {"csrf": token, "key": product.key}, timeout=10).status_code == 200
    return browser.get(f"{site}/logs/stream", stream=True, timeout=40)


def looks_after(product, tell):
    """How often an open page of the log looks for new entries after the product was told to stop."""
    with requests.Session() as browser, open_tail(browser, product) as tail:
        lines = tail.iter_lines()
        assert next(lines) == b"retry: 1000"

        for running in product.processes.values():
            tell(running)
        return len([line for line in lines if line.startswith(b"id: ")])


def test_an_open_page_of_the_log_delays_no_stop(either_mode):
    """Its stream, which would look once a second for 25 seconds, ends at once and is not cut. The embedded mode waited
    five seconds for it, and then cut it."""
    assert looks_after(either_mode.product, Running.tell_to_stop) <= 3
    assert set(either_mode.product.stop().values()) == {0}


def test_an_open_page_of_the_log_delays_no_end_by_ctrl_c(production):
    assert looks_after(production.product, lambda running: running.tell_group_to_stop(signal.SIGINT)) <= 3
    assert None not in production.product.stop().values()
