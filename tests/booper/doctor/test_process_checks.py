"""What `booper doctor` says of the processes of an installation, by the signs of life that they leave."""

import pytest

from booper.doctor.finding import NOTE, OK, WARNING
from booper.doctor.process_checks import check_processes
from models.operations import heartbeats, ticker_row
from models.operations.heartbeats import WorkerRow
from models.rules import clock
from runtime.version import __version__

SILENT_US = ticker_row.SILENT_S * clock.SECOND


def heard(*hosts, version=__version__, ago_us=0):
    for number, host in enumerate(hosts):
        at = clock.now() - ago_us
        heartbeats.record_heartbeat(WorkerRow(f"{host}-{version}-{number}", host, 1, version, 8, 2, at, at))


@pytest.fixture
def ticking(db, moved_clock):
    """Notes that a ticker was heard of just now."""
    ticker_row.record_seen(clock.now())


def said():
    return [(finding.level, finding.text) for finding in check_processes()]


def test_processes_are_counted_and_so_are_their_hosts(ticking):
    heard("a", "a", "b")

    assert said() == [(OK, "3 sending processes on 2 hosts, and a ticker")]


def test_a_process_that_was_not_heard_of_for_long_does_not_count(ticking):
    heard("a", ago_us=heartbeats.ALIVE_US + 1)

    seconds = heartbeats.ALIVE_US // clock.SECOND
    assert said() == [(WARNING, f"no process that sends was heard of for {seconds} s")]


@pytest.mark.parametrize(("later_us", "level"), [(0, OK), (SILENT_US, OK), (SILENT_US + 1, WARNING)])
def test_a_ticker_that_is_silent_is_found(ticking, moved_clock, later_us, level):
    moved_clock.now += later_us
    heard("a")

    [(shown, text)] = said()

    assert shown == level
    assert ("no ticker was heard of" in text) is (level == WARNING)


def test_other_versions_are_named_once_each(ticking):
    heard("a", "b", version="0.0.2")
    heard("a", version="0.0.1")
    heard("a")

    assert said()[1:] == [(NOTE, f"processes of version 0.0.1, 0.0.2 run beside this {__version__}")]
