"""Test messages go to each target or to one of them, and only so many within an hour."""

import json

import pytest

from models.accounts import account_store
from models.alerts import message_order, trial_messages
from models.alerts.trial_messages import AN_HOUR, TooManyTests
from models.jobs import staging
from models.jobs.job_kinds import ALERT
from models.jobs.job_tables import Job
from models.rules import clock
from tests.support.alerts import RECEIVER, make_alert, messages

SLACK = "https://hooks.slack.example/services/T0/s3cret"


@pytest.fixture
def rule(account, moved_clock):
    return make_alert(account, to=[("webhook", RECEIVER), ("slack", SLACK)])


def send(account, rule, place=None):
    return trial_messages.send(account.id, rule.id, rule.name, clock.now(), place)


def test_each_target_gets_one_or_the_one_that_is_named(account, rule):
    assert len(send(account, rule)) == 2
    assert len(send(account, rule, 1)) == 1
    assert [("text" in each) for each in messages()] == [False, True, True]


def due():
    """The actions of the messages that may go now, once those before them have gone."""
    message_order.release_next_messages(clock.now())
    ids = [job.id for job in staging.due(0, clock.now(), 10)]
    rows = Job.select().where(Job.id.in_(ids), Job.kind == ALERT).order_by(Job.id)
    return [json.loads(bytes(job.body)).get("event_action") for job in rows]


@pytest.mark.parametrize("end", ["completed", "discarded"])
def test_a_test_of_pagerduty_is_resolved_a_minute_later_once_it_has_gone(account, moved_clock, end):
    rule = make_alert(account, to=[("pagerduty", "k" * 32)])
    [test] = send(account, rule)
    assert due() == ["trigger"]
    moved_clock.advance(minutes=2)
    assert due() == ["trigger"]

    Job.update(state=end).where(Job.id == test.id).execute()
    assert due() == ["resolve"]


def test_a_test_of_pagerduty_that_has_gone_is_not_resolved_at_once(account, moved_clock):
    [test] = send(account, make_alert(account, to=[("pagerduty", "k" * 32)]))
    Job.update(state="completed").where(Job.id == test.id).execute()
    moved_clock.advance(seconds=59)
    assert due() == []


def test_a_test_of_other_ways_needs_no_end(account, rule):
    send(account, rule)
    assert len(messages()) == 2


def test_no_more_than_so_many_are_sent_within_an_hour(account, rule, moved_clock):
    for _ in range(AN_HOUR // 2):
        send(account, rule)
    moved_clock.advance(minutes=59)
    with pytest.raises(TooManyTests) as refused:
        send(account, rule, 0)
    assert refused.value.free_at == clock.now() + clock.MINUTE
    assert len(messages()) == AN_HOUR
    moved_clock.advance(minutes=1)
    assert len(send(account, rule)) == 2


def test_several_messages_may_be_sent_once_the_hour_of_as_many_is_over(account, rule, moved_clock):
    send(account, rule, 0)
    moved_clock.advance(minutes=30)
    for _ in range(AN_HOUR - 1):
        send(account, rule, 0)
    free_at = clock.now() + clock.HOUR

    with pytest.raises(TooManyTests) as refused:
        send(account, rule)

    assert refused.value.free_at == free_at


def test_another_account_is_not_held_back(account, rule):
    for _ in range(AN_HOUR // 2):
        send(account, rule)
    bob = account_store.account_named("bob", clock.now())
    assert len(send(bob, make_alert(bob))) == 1
