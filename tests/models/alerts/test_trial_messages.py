"""Test messages go to each target or to one of them, and only so many within an hour."""

import pytest

from models.accounts import account_store
from models.alerts import trial_messages
from models.alerts.trial_messages import AN_HOUR, TooManyTests
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


def test_another_account_is_not_held_back(account, rule):
    for _ in range(AN_HOUR // 2):
        send(account, rule)
    bob = account_store.account_named("bob", clock.now())
    assert len(send(bob, make_alert(bob))) == 1
