"""A group of processes: when a child that ended starts again, how all are stopped, and with which exit code."""

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
from tests.support.waiting import wait_until

LIMIT_S = 20
# Each script writes `ready` when its traps are set; `%s` is the folder.
ENDS_WITH_3 = "trap 'exit 3' TERM; touch %s/ready; while :; do sleep 0.02; done"
ENDS_BY_SIGTERM = "touch %s/ready; exec sleep 60"
IGNORES_SIGTERM = "trap '' TERM; touch %s/ready; while :; do sleep 0.02; done"
# It says that it was signaled when the trap has ended: a shell may lose a signal that comes inside of a trap.
ENDS_WITH_5_AT_ONCE = (
    "trap 'signaled=1' TERM; trap 'exit 5' HUP; touch %s/ready; "
    'while :; do test -z "$signaled" || touch %s/signaled; sleep 0.02; done'
)
ENDS_WELL = "trap 'exit 0' TERM; touch %s/ready; while :; do sleep 0.02; done"


@pytest.fixture
def steady(monkeypatch):
    """The steady clock as the test sets it, in seconds."""
    seconds = [100.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: seconds[0])
    return seconds


@pytest.fixture
def handlers(monkeypatch):
    """Restores the handlers of signals, and makes a group look at its children more often.

    SIGHUP is not ignored meanwhile: under `nohup` it is, and a shell can't trap what is ignored at its start."""
    monkeypatch.setattr(supervisor, "LOOK_EVERY_S", 0.02)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with handlers_put_back():
        yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def make_child(tmp_path):
    """Makes children that run shell scripts, each with its own folder, and kills those that are left."""
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


def send_sigterm():
    os.kill(os.getpid(), signal.SIGTERM)


def when_ready(children, *steps):
    """A function for `supervise` to call: takes these steps when all children are ready."""

    def look():
        if all((child.folder / "ready").exists() for child in children):
            for step in steps:
                step()

    return look


@pytest.mark.parametrize(("later_s", "second"), [(0, False), (0.09, False), (0.11, True), (60, True)])
def test_a_signal_that_is_repeated_at_once_is_not_a_second_one(steady, later_s, second):
    stop_signals = signals.StopSignals()
    assert not stop_signals.is_second()
    steady[0] += later_s
    assert stop_signals.is_second() is second


def pause_after(child, lived_s, now_s):
    """The pause of a child that lived for `lived_s`, in seconds to a tenth; it runs again at the end."""
    child.process.wait(LIMIT_S)
    child.keep_running(now_s + lived_s)
    assert child.process is None
    for tenths in range(1000):
        child.keep_running(now_s + lived_s + tenths / 10 + 0.001)
        if child.process is not None:
            return tenths / 10
    raise AssertionError("it never started again")


def test_the_pause_of_a_child_that_keeps_dying_young_doubles_up_to_half_a_minute(make_child):
    child = make_child("exit 1")
    child.keep_running(now_s := 100.0)

    pauses = []
    for _ in range(7):
        pauses.append(pause_after(child, 0.1, now_s))
        now_s += 0.1 + pauses[-1] + 0.001
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_child_that_lived_for_a_while_starts_again_soon_and_its_next_pause_is_short(make_child):
    child = make_child("exit 1")
    child.keep_running(0.0)
    assert [pause_after(child, 0.1, 0.0), pause_after(child, 0.1, 1.101)] == [1, 2]
    assert pause_after(child, 5.001, 3.202) == 0.5
    assert pause_after(child, 0.1, 8.704) == 1


def test_a_child_that_the_system_can_not_start_is_tried_again_later(make_child, monkeypatch):
    """The group ended with it: no deliveries on this host until somebody started it again."""
    child, start = make_child(ENDS_WELL), subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", refusing)
    child.keep_running(0.0)
    child.keep_running(1.0)
    monkeypatch.setattr(subprocess, "Popen", start)

    child.keep_running(2.9)
    assert child.process is None
    child.keep_running(3.0)
    assert child.process is not None


def refusing(*_args, **_kwargs):
    raise BlockingIOError("Resource temporarily unavailable")


def test_a_child_that_runs_is_left_alone(make_child):
    child = make_child(ENDS_WELL)
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
        ([ENDS_WITH_3, IGNORES_SIGTERM], 9),
    ],
)
def test_a_group_ends_with_the_worst_code_of_its_children(scripts, code, make_child, handlers, monkeypatch):
    monkeypatch.setattr(supervisor, "KILL_AFTER_GRACE_S", 0)
    children = [make_child(script) for script in scripts]
    assert supervise(children, 0.5, when_ready(children, send_sigterm)) == code
    assert all(child.process.poll() is not None for child in children)


def test_an_interrupt_from_the_keyboard_stops_a_group_too(make_child, handlers):
    child = make_child(ENDS_WELL)
    assert supervise([child], 5, when_ready([child], lambda: os.kill(os.getpid(), signal.SIGINT))) == 0


def test_a_group_whose_child_waits_for_its_next_start_ends_well(make_child, handlers):
    waiting, running = make_child("touch %s/ready; exit 1"), make_child(ENDS_WELL)

    def look():
        if waiting.process is None:
            when_ready([waiting, running], send_sigterm)()

    assert supervise([waiting, running], 5, look) == 0


def test_a_child_that_ends_is_started_again_while_the_group_runs(make_child, handlers, steady):
    child = make_child("echo >> %s/starts; if test $(wc -l < %s/starts) -ge 2; then " + ENDS_WELL + "; fi; exit 1")
    stop = when_ready([child], send_sigterm)

    def look():
        steady[0] += 0.5
        stop()

    assert supervise([child], 5, look) == 0
    assert (child.folder / "starts").read_text() == "\n\n"


def test_a_child_has_the_grace_and_a_while_before_it_is_killed(make_child, handlers, steady):
    """The limits that it waits for, on a clock that stands still."""
    limits = []

    class Slow(Child):
        def end_within(self, limit_s):
            limits.append(limit_s)
            return super().end_within(limit_s)

    child = make_child(ENDS_WELL)
    child.__class__ = Slow

    supervise([child], 30, when_ready([child], send_sigterm))
    assert limits == [50]


def test_a_second_signal_ends_the_children_at_once(make_child, handlers, steady):
    child = make_child(ENDS_WITH_5_AT_ONCE)

    def signal_again():
        wait_until((child.folder / "signaled").exists, LIMIT_S)
        steady[0] += 1
        send_sigterm()

    again = threading.Thread(target=signal_again)

    assert supervise([child], 60, when_ready([child], send_sigterm, again.start)) == 5
    again.join(LIMIT_S)


def test_a_repeated_signal_does_not_reach_the_children_twice(make_child, handlers, steady):
    child = make_child(
        "trap 'echo >> %s/signals; sleep 0.1; exit 0' TERM; touch %s/ready; while :; do sleep 0.02; done"
    )
    assert supervise([child], 60, when_ready([child], send_sigterm, send_sigterm)) == 0
    assert (child.folder / "signals").read_text() == "\n"


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
