"""What a supervisor logs of its children, and how it adds up their codes: without a process."""

import logging
import os
import signal
import subprocess
from types import SimpleNamespace

import pytest

from booper import supervisor
from booper.supervisor import QUICK_DEATH_S, Child, supervise
from runtime.signals import AT_ONCE
from tests.support.signals import handlers_put_back


@pytest.fixture
def child(caplog):
    caplog.set_level(logging.DEBUG, "booper.supervisor")
    return Child("worker", ["worker"])


def ended(returncode):
    return SimpleNamespace(poll=lambda: returncode, returncode=returncode, pid=12345)


def lines(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.mark.parametrize(
    ("lived_s", "pause_s"), [(0, 1.0), (QUICK_DEATH_S - 0.001, 1.0), (QUICK_DEATH_S, 0.5), (3600, 0.5)]
)
@pytest.mark.parametrize("code", [0, 3, -9])
def test_the_end_of_a_child_is_an_error_with_its_code_and_its_next_start(child, caplog, lived_s, pause_s, code):
    child.process, child.started_s = ended(code), 100.0

    child.keep_running(100.0 + lived_s)

    assert lines(caplog) == [("ERROR", f"worker ended with code {code}; starts again in {pause_s} s")]
    assert child.process is None


def test_a_child_that_can_not_start_is_an_error_with_the_reason_each_time(child, caplog, monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError("no process is left")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    for now_s in (0.0, 1.0, 1.5, 3.0):
        child.keep_running(now_s)

    said = "worker could not start (no process is left); the next try is in {} s"
    assert lines(caplog) == [("ERROR", said.format(pause)) for pause in (1.0, 2.0, 4.0)]


class Hanging:
    """A process that ends once it is killed. `limits`: how long it was waited for."""

    def __init__(self):
        self.limits, self.killed = [], False

    def poll(self):
        return -9 if self.killed else None

    def wait(self, limit_s):
        self.limits.append(limit_s)
        if not self.killed:
            raise subprocess.TimeoutExpired("worker", limit_s)
        return -9

    def kill(self):
        self.killed = True


@pytest.mark.parametrize(("limit_s", "waited_s"), [(7.0, 7.0), (-3.0, 0.1)])
def test_a_child_that_is_killed_is_an_error_that_says_so(child, caplog, limit_s, waited_s):
    child.process = Hanging()

    assert child.end_within(limit_s) == -9
    assert child.process.limits == [waited_s, 10]
    assert lines(caplog) == [
        ("ERROR", "worker did not end in time and is killed; its leases bring its jobs back"),
    ]


class Coded:
    """A child that ends with this code. `signals`: those that it got."""

    def __init__(self, code):
        self.code, self.signals = code, []

    def keep_running(self, _now_s):
        pass

    def signal(self, signum):
        self.signals.append(signum)

    def end_within(self, _limit_s):
        return self.code


@pytest.fixture
def handlers():
    with handlers_put_back():
        yield


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([0], 0),
        ([-signal.SIGTERM], 0),
        ([-AT_ONCE], 0),
        ([-AT_ONCE, -signal.SIGTERM, 0], 0),
        ([0, 3], 3),
        ([3, 0], 3),
        ([-signal.SIGKILL, 0], 9),
        ([-signal.SIGSEGV, 3], 11),
    ],
)
def test_a_signal_to_stop_is_a_good_end_and_of_all_others_the_worst_counts(handlers, codes, code):
    children = [Coded(each) for each in codes]

    assert supervise(children, 0, lambda: os.kill(os.getpid(), signal.SIGTERM)) == code
    assert [each.signals for each in children] == [[signal.SIGTERM]] * len(codes)


def test_a_second_signal_reaches_each_child_twice_over_and_a_third_again(handlers, monkeypatch):
    seconds = [100.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    children = [Coded(0), Coded(0)]

    def three_times():
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGTERM)
            seconds[0] += 1

    supervise(children, 0, three_times)

    at_once = [AT_ONCE, signal.SIGTERM]
    assert [each.signals for each in children] == [[*at_once, *at_once, signal.SIGTERM]] * 2
