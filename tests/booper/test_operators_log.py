"""What an operator reads of a group of processes: for each line its level and each value in it."""

import sys

import pytest

from booper import supervisor
from booper.supervisor import Child
from tests.support.operators_log import raising, unseen, written


def a_child_ends_again_and_again(monkeypatch):
    child = Child("booper ticker", [sys.executable, "-S", "-c", "raise SystemExit(7)"])
    for now_s in (100.0, 200.0):
        child.keep_running(now_s)
        child.process.wait(20)
        child.keep_running(now_s + 1.0)


def a_child_can_not_start(monkeypatch):
    monkeypatch.setattr(supervisor.subprocess, "Popen", raising(BlockingIOError("no process is left")))
    child = Child("booper ticker", ["true"])
    for now_s in (100.0, 200.0):
        child.keep_running(now_s)


def a_child_does_not_stop(monkeypatch):
    child = Child("booper ticker", ["sleep", "60"])
    child.keep_running(100.0)
    child.end_within(0)


SITUATIONS = {
    a_child_ends_again_and_again: [
        "ERROR booper ticker ended with code 7; starts again in 1.0 s",
        "ERROR booper ticker ended with code 7; starts again in 2.0 s",
    ],
    a_child_can_not_start: [
        "ERROR booper ticker could not start (no process is left); the next try is in 1.0 s",
        "ERROR booper ticker could not start (no process is left); the next try is in 2.0 s",
    ],
    a_child_does_not_stop: ["ERROR booper ticker did not end in time and is killed; its leases bring its jobs back"],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_operator_reads_once_what_happened_with_its_numbers(situation, monkeypatch):
    with written() as lines:
        situation(monkeypatch)

    assert lines == SITUATIONS[situation]


def test_each_line_of_the_supervisor_is_read_in_some_situation():
    assert unseen("booper/supervisor.py", sum(SITUATIONS.values(), [])) == []
