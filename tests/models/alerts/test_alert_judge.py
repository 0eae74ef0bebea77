"""The judge of histories is right about short ones, and finds each way in which what is there may be wrong."""

import pytest

from tests.support.alert_judge import HOUR, MINUTE, SECOND, AlertJudge, JudgedRule, differences, is_quiet

START = 1_774_771_200_000_000  # 2026-03-29T08:00:00Z, the day on which Berlin's clock changes
A, B = "a", "b"
HOST = "host:db.example"
A_ALONE = "schedule:a"


def judged(**options):
    rule = JudgedRule("nightly", ("failed", "missed", "late", "silent", "recovered"), frozenset({A, B}), **options)
    return AlertJudge([rule], [A, B], START)


def fail_and_recover(judge, schedule=A, at=START, lasts=HOUR, cause=None):
    judge.saw(at, schedule, "failed", cause)
    judge.looked(at + 2 * SECOND)
    judge.saw(at + lasts, schedule, "succeeded")
    judge.looked(at + lasts)


def sent(judge):
    return [(what, condition, at - START) for _, what, condition, _, _, at in judge.messages()]


def test_a_failure_is_sent_after_two_seconds_and_its_end_at_once():
    judge = judged()
    fail_and_recover(judge)
    assert dict(judge.incidents()) == {("nightly", "failed", A_ALONE, START, START + HOUR): 1}
    assert sent(judge) == [("opened", "failed", 2 * SECOND), ("closed", "failed", HOUR)]


def test_fewer_failures_than_the_rule_waits_for_are_none():
    judge = judged(after=2)
    fail_and_recover(judge)
    judge.saw(START + 2 * HOUR, A, "failed")
    judge.looked(START + 3 * HOUR)
    assert not judge.incidents()
    assert not judge.messages()


def test_a_share_counts_the_jobs_within_its_window():
    judge = judged(share=0.5, within=HOUR, at_least=2)
    for minutes, what in enumerate(["failed", "failed", "succeeded", "succeeded", "succeeded"]):
        judge.saw(START + minutes * MINUTE, A, what)
    judge.saw(START + 3 * HOUR, A, "failed")
    assert dict(judge.incidents()) == {("nightly", "failed", A_ALONE, START + MINUTE, START + 4 * MINUTE): 1}


def test_a_host_is_one_incident_until_its_last_schedule_recovers():
    judge = judged()
    for schedule in (A, B):
        judge.saw(START, schedule, "failed", HOST)
    judge.saw(START + HOUR, A, "succeeded")
    assert [each.subject for each in judge.open()] == [HOST]
    judge.saw(START + 2 * HOUR, B, "succeeded")
    assert dict(judge.incidents()) == {("nightly", "failed", HOST, START, START + 2 * HOUR): 1}


def test_the_fourth_opening_within_an_hour_closes_after_ten_calm_minutes():
    judge = judged()
    for number in range(4):
        fail_and_recover(judge, at=START + number * 8 * MINUTE, lasts=MINUTE)
    judge.looked(START + 34 * MINUTE)
    assert len(judge.open()) == 1
    judge.looked(START + 35 * MINUTE)
    assert judge.open() == []


def test_what_is_late_missed_and_silent():
    judge = judged(late_after=10 * MINUTE)
    judge.saw(START, A, "missed")
    judge.saw(START, A, "begun", lateness=11 * MINUTE)
    judge.saw(START + HOUR, A, "begun")
    judge.polled(START + 25 * HOUR)
    missed, late, *silent = sorted(judge.incidents(), key=lambda each: (each[1] == "silent", each[1] == "late"))
    assert missed[1:] == ("missed", A_ALONE, START, START)
    assert late[1:] == ("late", A_ALONE, START, START + HOUR)
    assert {each[1:] for each in silent} == {("silent", f"schedule:{each}", START + 25 * HOUR, None) for each in (A, B)}


def test_what_begins_and_ends_while_muted_is_not_sent():
    judge = judged()
    judge.mute("nightly", START + 2 * HOUR)
    fail_and_recover(judge)
    judge.looked(START + 3 * HOUR)
    assert judge.incidents()
    assert not judge.messages()


def test_quiet_hours_hold_back_and_repeats_end_with_an_acknowledgement():
    judge = judged(repeat=HOUR, quiet=(9 * 60, 11 * 60, "Europe/Berlin"))
    judge.saw(START, A, "failed")
    for hours in (0, 1, 2):
        judge.looked(START + hours * HOUR)
    judge.open()[0].acknowledged = True
    judge.looked(START + 3 * HOUR)
    assert sent(judge) == [("opened", "failed", HOUR), ("repeated", "failed", 2 * HOUR)]


@pytest.mark.parametrize(("hours", "quiet"), [(-7.5, True), (-7.01, True), (-7, False), (12, True), (11.9, False)])
def test_the_clock_on_the_wall_says_what_is_quiet(hours, quiet):
    assert is_quiet((22 * 60, 2 * 60 + 30, "Europe/Berlin"), START + int(hours * HOUR)) is quiet


@pytest.fixture
def right():
    judge = judged()
    fail_and_recover(judge)
    fail_and_recover(judge, B, START + 3 * HOUR)
    return judge


def test_a_right_history_has_no_differences(right):
    assert differences(right.incidents(), right.incidents()) == []
    assert differences(right.messages(), right.messages()) == []


@pytest.mark.parametrize("place", range(4))
def test_each_message_that_is_missing_or_sent_twice_is_found(right, place):
    message = list(right.messages())[place]
    there = right.messages()
    there[message] = 0
    assert differences(right.messages(), there) == [f"missing: {message}"]
    there[message] = 2
    assert differences(right.messages(), there) == [f"too much: {message}"]


@pytest.mark.parametrize("change", [(0, "other"), (1, "late"), (2, HOST), (3, START - 1), (4, None)])
def test_an_incident_that_is_wrong_in_any_part_is_found(right, change):
    place, value = change
    incident = next(iter(right.incidents()))
    wrong = (*incident[:place], value, *incident[place + 1 :])
    there = right.incidents() - type(right.incidents())([incident])
    there[wrong] = 1
    assert differences(right.incidents(), there) == sorted([f"missing: {incident}", f"too much: {wrong}"])
