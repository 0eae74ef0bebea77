"""A group of processes: how soon one that ended starts again, how all are stopped, and with which code."""

import os
import select
import signal
import subprocess
import sys
import threading

import pytest

from booper import supervisor
from booper.supervisor import Child, supervise
from runtime import signals
from tests.support.signals import handlers_put_back

LIMIT_S = 20
# Each of these writes `ready` once its traps are set; `%s` is the folder.
ENDS_WITH_3 = "trap 'exit 3' TERM; touch %s/ready; while :; do sleep 0.02; done"
ENDS_BY_SIGTERM = "touch %s/ready; exec sleep 60"
HEARS_NO_SIGTERM = "trap '' TERM; touch %s/ready; while :; do sleep 0.02; done"
ENDS_WITH_5_AT_ONCE = "trap 'touch %s/asked' TERM; trap 'exit 5' HUP; touch %s/ready; while :; do sleep 0.02; done"
ENDS_WELL = "trap 'exit 0' TERM; touch %s/ready; while :; do sleep 0.02; done"


@pytest.fixture
def steady(monkeypatch):
    """The steady clock as the test sets it, in seconds."""
    seconds = [100.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def handlers(monkeypatch):
    """The handlers of signals are put back as they were; a group is looked at more often than it would be."""
    monkeypatch.setattr(supervisor, "LOOK_EVERY_S", 0.02)
    with handlers_put_back():
        yield


@pytest.fixture
def made(tmp_path):
    """Makes children that run shell scripts, each with a folder of its own; none is left behind."""
    children = []

    def make(script):
        folder = tmp_path / str(len(children))
        folder.mkdir()
        child = Child(f"child {len(children)}", ["sh", "-c", script.replace("%s", str(folder))])
        child.folder = folder
        children.append(child)
        return child

    yield make
    for child in children:
        if child.process is not None and child.process.poll() is None:
            child.process.kill()
            child.process.wait(10)


def order_to_stop():
    os.kill(os.getpid(), signal.SIGTERM)


def when_ready(children, *steps):
    """What `supervise` calls at each look: does these steps once all children have begun."""

    def look():
        if all((child.folder / "ready").exists() for child in children):
            for step in steps:
                step()

    return look


@pytest.mark.parametrize(("later_s", "second"), [(0, False), (0.09, False), (0.11, True), (60, True)])
def test_an_order_that_comes_again_at_once_is_the_same_order(steady, later_s, second):
    orders = signals.StopSignals()
    assert not orders.is_second()
    steady[0] += later_s
    assert orders.is_second() is second


def pause_after(child, lived_s, now_s):
    """How long the child waits when it ended after so long; it runs again then. In seconds, to a tenth."""
    child.process.wait(LIMIT_S)
    child.keep_running(now_s + lived_s)
    assert child.process is None
    for tenths in range(1000):
        child.keep_running(now_s + lived_s + tenths / 10 + 0.001)
        if child.process is not None:
            return tenths / 10
    raise AssertionError("it never started again")


def test_a_child_that_dies_young_starts_again_later_and_later_up_to_half_a_minute(made):
    child = made("exit 1")
    child.keep_running(now_s := 100.0)
    pauses = []
    for _ in range(7):
        pauses.append(pause_after(child, 0.1, now_s))
        now_s += 0.1 + pauses[-1] + 0.001
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_lived_for_a_while_starts_again_soon_and_its_next_pause_is_short(made):
    child = made("exit 1")
    child.keep_running(0.0)
    assert [pause_after(child, 0.1, 0.0), pause_after(child, 0.1, 1.101)] == [1, 2]
    assert pause_after(child, 5.001, 3.202) == 0.5
    assert pause_after(child, 0.1, 8.704) == 1


def test_a_child_that_runs_is_left_alone(made):
    child = made(ENDS_WELL)
    child.keep_running(0.0)
    process = child.process
    child.keep_running(1000.0)
    assert child.process is process
    assert process.poll() is None


@pytest.mark.parametrize(
    ("scripts", "code"),
    [
        ([ENDS_WELL], 0),
        ([ENDS_BY_SIGTERM], 0),
        ([ENDS_WELL, ENDS_WITH_3], 3),
        ([ENDS_WITH_3, ENDS_WELL], 3),
        ([ENDS_WITH_3, HEARS_NO_SIGTERM], 9),
    ],
)
def test_a_group_ends_with_the_worst_code_of_its_children(scripts, code, made, handlers, monkeypatch):
    monkeypatch.setattr(supervisor, "KILL_AFTER_GRACE_S", 0)
    children = [made(script) for script in scripts]
    assert supervise(children, 0.5, when_ready(children, order_to_stop)) == code
    assert all(child.process.poll() is not None for child in children)


def test_an_interrupt_from_the_keyboard_stops_a_group_too(made, handlers):
    child = made(ENDS_WELL)
    assert supervise([child], 5, when_ready([child], lambda: os.kill(os.getpid(), signal.SIGINT))) == 0


def test_a_group_whose_child_waits_for_its_next_start_ends_well(made, handlers):
    waiting, running = made("touch %s/ready; exit 1"), made(ENDS_WELL)

    def look():
        if waiting.process is None:
            when_ready([waiting, running], order_to_stop)()

    assert supervise([waiting, running], 5, look) == 0


def test_a_child_that_ends_is_started_again_while_the_group_runs(made, handlers, steady):
    child = made("echo >> %s/starts; if test $(wc -l < %s/starts) -ge 2; then " + ENDS_WELL + "; fi; exit 1")
    stop = when_ready([child], order_to_stop)

    def look():
        steady[0] += 0.5
        stop()

    assert supervise([child], 5, look) == 0
    assert (child.folder / "starts").read_text() == "\n\n"


def test_a_child_has_the_grace_and_a_while_before_it_is_killed(made, handlers, steady):
    """Of the limits of the wait, on a clock that stands still."""
    limits = []

    class Slow(Child):
        def end_within(self, limit_s):
            limits.append(limit_s)
            return super().end_within(limit_s)

    child = made(ENDS_WELL)
    child.__class__ = Slow
    supervise([child], 30, when_ready([child], order_to_stop))
    assert limits == [50]


def test_a_second_order_ends_the_children_at_once(made, handlers, steady):
    child = made(ENDS_WITH_5_AT_ONCE)

    def order_again():
        for _ in range(1000):
            if (child.folder / "asked").exists():
                break
            threading.Event().wait(0.01)
        steady[0] += 1
        order_to_stop()

    again = threading.Thread(target=order_again)
    assert supervise([child], 60, when_ready([child], order_to_stop, again.start)) == 5
    again.join(LIMIT_S)


def test_an_echo_of_the_order_to_stop_does_not_reach_the_children_twice(made, handlers, steady):
    child = made("trap 'echo >> %s/orders; sleep 0.1; exit 0' TERM; touch %s/ready; while :; do sleep 0.02; done")
    assert supervise([child], 60, when_ready([child], order_to_stop, order_to_stop)) == 0
    assert (child.folder / "orders").read_text() == "\n"


STARTS_A_CHILD = (
    "import sys\n"
    "from booper.supervisor import Child\n"
    "child = Child('child', ['sleep', '60'])\n"
    "child.keep_running(0.0)\n"
    "print(child.process.pid, flush=True)\n"
    "sys.stdin.read()\n"
)


def test_children_end_with_a_supervisor_that_is_killed():
    supervising = subprocess.Popen(
        [sys.executable, "-c", STARTS_A_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child = os.pidfd_open(int(supervising.stdout.readline()))
    assert select.select([child], [], [], 0)[0] == []
    supervising.kill()
    assert select.select([child], [], [], LIMIT_S)[0] == [child]
    supervising.communicate()
    os.close(child)
