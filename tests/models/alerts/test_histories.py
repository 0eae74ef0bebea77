"""Histories of outages, failures and flapping targets on a moved clock, over days on which clocks change: incidents and
messages are those that an independent judge computes, none missing and none twice, although two tickers look at once
and everything is killed between any two statements again and again.

BOOPER_TEST_ALERTS=full (`make alerts-full`) makes it 30 days of 200 schedules.
"""

import os

import pytest

from models.database.connection import database
from tests.support.alert_history import AlertHistory
from tests.support.alert_judge import differences
from tests.support.kills import Kills

FULL = os.environ.get("BOOPER_TEST_ALERTS") == "full"
HOUR = 3600 * 1_000_000
FRIDAY = 1_772_787_600_000_000  # 2026-03-06T09:00:00Z; three clocks change within the next 30 days
BEFORE_BERLIN = FRIDAY + 22 * 24 * HOUR + 12 * HOUR  # its clock skips an hour in the next night
SCHEDULES, BEGIN, HOURS, TROUBLE = (200, FRIDAY, 30 * 24, 0.01) if FULL else (15, BEFORE_BERLIN, 10, 0.06)


@pytest.fixture
def kills(db, monkeypatch):
    """The disk loses nothing when a thread is killed, so SQLite needs not wait for it."""
    if db == "sqlite":
        database.obj.pragma("synchronous", "off", permanent=True)
    return Kills(seed=7).install(monkeypatch)


@pytest.mark.parametrize("seed", [1] if FULL else [3])
def test_incidents_and_messages_are_those_that_the_judge_computes(account, moved_clock, kills, seed):
    history = AlertHistory(account, moved_clock, kills, BEGIN, BEGIN + HOURS * HOUR, SCHEDULES, seed, TROUBLE)

    history.live()

    assert len(history.judge.all) > SCHEDULES / 2
    assert differences(history.judge.incidents(), history.incidents()) == []
    for messages in (history.messages(), history.notes("webhook"), history.notes("slack")):
        assert differences(history.judge.messages(), messages) == []
    if FULL:
        of_alerts = {
            place for place in kills.seen if "incident" in place or "health_event" in place or "commit" in place
        }
        assert kills.killed_at >= of_alerts  # what others do seldom is killed by tests of their own
        assert history.outages > 10
