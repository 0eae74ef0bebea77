"""When an outage of the database is sent from memory, and what is said of it."""

import pytest

from models.alerts.messages import OPENED, REPEATED
from models.operations.operator_alerts import operator_incidents
from models.operations.operator_alerts.troubles import AFTER_US
from models.rules.clock import SECOND
from workers.operator_watch.outage import Outage

SINCE = 1_000 * SECOND


class Outbox:
    """Keeps what is sent: its type and what it says. Takes it or not."""

    def __init__(self):
        self.sent, self.takes = [], True

    def put(self, message_type, rule_name, incidents, now, now_s):
        self.sent.append((message_type, rule_name, [each.detail for each in incidents], now, now_s))
        return self.takes


@pytest.fixture
def outbox():
    return Outbox()


def outage(outbox, repeat_us=None):
    return Outage(operator_incidents.rule_of("operator of a", repeat_us), outbox)


def types_at(outbox, outage, *seconds):
    """The types of what is sent if the outage goes on at these seconds after its beginning."""
    for second in seconds:
        outage.go_on(SINCE, "gone", SINCE + second * SECOND, 0.0)
    return [message_type for message_type, *_ in outbox.sent]


AFTER_S = AFTER_US // SECOND


def test_an_outage_is_sent_once_it_has_lasted_longer_than_a_moment(outbox):
    lasting = outage(outbox)
    assert types_at(outbox, lasting, 0, AFTER_S) == []
    assert (lasting.is_on, lasting.sent_since) == (True, None)

    assert types_at(outbox, lasting, AFTER_S + 1, AFTER_S + 2, 10_000) == [OPENED]
    assert (lasting.is_on, lasting.sent_since) == (True, SINCE)


def test_an_outage_is_sent_again_from_each_time_that_it_was_sent(outbox):
    seconds = [AFTER_S + 1 + later for later in (0, 599, 600, 1199, 1200)]
    assert types_at(outbox, outage(outbox, 600 * SECOND), *seconds) == [OPENED, REPEATED, REPEATED]


def test_an_outage_that_no_target_took_is_sent_until_one_does(outbox):
    outbox.takes = False
    lasting = outage(outbox)
    assert types_at(outbox, lasting, AFTER_S + 1, AFTER_S + 2) == [OPENED] * 2
    assert lasting.sent_since is None


def test_the_next_outage_is_sent_as_the_first_was(outbox):
    lasting = outage(outbox)
    types_at(outbox, lasting, AFTER_S + 1)
    lasting.end()
    assert (lasting.is_on, lasting.sent_since) == (False, None)
    assert types_at(outbox, lasting, AFTER_S, AFTER_S + 1) == [OPENED] * 2


def test_of_a_long_error_its_beginning_is_sent_on_one_line(outbox):
    outage(outbox).go_on(SINCE, "connection failed:\n\tno route\n" + "x" * 1000, SINCE + 2 * AFTER_US, 7.5)

    [(_, name, [detail], now, now_s)] = outbox.sent
    assert "connection failed: no route x" in detail
    assert detail.count("x") < 200
    assert (name, now, now_s) == ("operator of a", SINCE + 2 * AFTER_US, 7.5)
