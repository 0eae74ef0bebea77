"""The doctor says whether the operator is notified of Booper's own troubles, and tries it when asked to."""

import pytest

from booper.doctor.finding import ERROR, NOTE, OK, WARNING
from booper.doctor.operator_checks import check_operator, send_tests
from models.alerts.conditions import TICKER
from models.operations.operator_alerts import operator_incidents, turn
from models.operations.operator_alerts.troubles import Trouble
from models.rules import clock
from runtime.settings import load

TARGETS = {"BOOPER_OPERATOR_ALERTS": "slack=https://a.example/s3cret webhook=https://b.example/s3cret"}
PAGERDUTY = {"BOOPER_OPERATOR_ALERTS": f"pagerduty={'k' * 32}"}


def levels(findings):
    return [(finding.level, finding.text) for finding in findings]


@pytest.fixture
def watched(db, moved_clock):
    turn.Turn().take(clock.now(), 0.0)


def test_an_operator_whom_nobody_notifies_is_noted(db):
    assert [level for level, _ in levels(check_operator(load({})))] == [NOTE]


def test_a_watch_that_works_is_fine(watched):
    [(level, text)] = levels(check_operator(load(TARGETS)))
    assert (level, "slack, webhook" in text, "s3cret" in text) == (OK, True, False)


def test_a_watch_that_nobody_keeps_is_found(watched, moved_clock):
    moved_clock.advance(seconds=121)
    [(level, text)] = levels(check_operator(load(TARGETS)))
    assert (level, text) == (WARNING, "no process has looked for troubles for 120 s")


def test_open_troubles_are_found_and_closed_ones_are_not(watched):
    rule = operator_incidents.rule_of("operator", None)
    trouble = Trouble(TICKER, "nobody plans", clock.now() - clock.HOUR)
    operator_incidents.update(rule, [trouble], trouble.since, clock.now())
    assert levels(check_operator(load(TARGETS))) == [
        (WARNING, "The ticker is silent, for 1 h 0 min now (nobody plans)")
    ]
    operator_incidents.update(rule, [], trouble.since, clock.now())
    assert [level for level, _ in levels(check_operator(load(TARGETS)))] == [OK]


def test_each_target_says_whether_it_took_the_test():
    def send(target, message):
        return "answered 500" if target.way == "slack" else ""

    assert levels(send_tests(load(TARGETS), send)) == [
        (ERROR, "the test by slack was not taken: answered 500"),
        (OK, "the test by webhook was taken"),
    ]


def test_a_test_that_opens_an_incident_is_ended_right_after_it():
    sent = []
    list(send_tests(load(PAGERDUTY), lambda target, message: sent.append((target.way, message.type)) or ""))
    assert sent == [("pagerduty", "test"), ("pagerduty", "test_ended")]


@pytest.mark.parametrize(
    ("refused", "text"),
    [
        ("test", "the test by pagerduty was not taken: answered 500"),
        ("test_ended", "the test by pagerduty was not taken: its end failed (answered 500); resolve it there"),
    ],
)
def test_a_test_or_its_end_that_is_not_taken_is_found(refused, text):
    def send(_, message):
        return "answered 500" if message.type == refused else ""

    assert levels(send_tests(load(PAGERDUTY), send)) == [(ERROR, text)]


def test_without_a_target_no_test_is_taken():
    assert [level for level, _ in levels(send_tests(load({})))] == [ERROR]
