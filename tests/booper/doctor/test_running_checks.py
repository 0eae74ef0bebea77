"""Checks run side by side: one that hangs or fails becomes a finding, and the others are heard."""

import threading

from booper.doctor.finding import ERROR, NOTE, OK, Check, Finding, worst
from booper.doctor.running_checks import run_checks

LONG_S = 30.0


def check(subject, run):
    return Check(subject, run, f"look at {subject}")


def test_what_each_check_finds_is_listed_in_the_order_of_the_checks():
    first_may_end = threading.Event()

    def first():
        assert first_may_end.wait(LONG_S)
        yield Finding("a", OK, "1")

    def second():
        yield Finding("b", NOTE, "2")
        first_may_end.set()

    assert [finding.text for finding in run_checks([check("a", first), check("b", second)], LONG_S)] == ["1", "2"]


def test_a_check_that_hangs_is_an_error_and_keeps_what_it_has_found():
    released = threading.Event()

    def hang():
        yield Finding("a", OK, "began")
        released.wait(LONG_S)

    findings = run_checks([check("a", hang), check("b", lambda: [Finding("b", OK, "fine")])], 0.2)
    released.set()

    assert findings == [
        Finding("a", OK, "began"),
        Finding("a", ERROR, "no answer within 0.2 s", "look at a"),
        Finding("b", OK, "fine"),
    ]


def test_a_check_that_fails_is_an_error_in_one_line():
    def fail():
        raise OSError("no\n  way")

    assert run_checks([check("a", fail)], LONG_S) == [Finding("a", ERROR, "no way", "look at a")]


def test_the_worst_finding_decides():
    assert worst([Finding("a", OK, ""), Finding("a", ERROR, ""), Finding("a", NOTE, "")]) == ERROR
    assert worst([]) == OK
