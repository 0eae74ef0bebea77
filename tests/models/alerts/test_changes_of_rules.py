"""Which changes of a rule let it begin anew, and which only say how its messages are sent."""

import pytest

from models.alerts import alert_store
from models.alerts.alert_store import AlertRow
from models.alerts.alert_tables import Incident
from models.alerts.conditions import LABEL, Options, Quiet
from models.alerts.ways import target_of
from models.rules import clock
from tests.support.alerts import make_alert, open_incident

LOOKS_ANEW = {
    "types": ("failed",),
    "scope": (LABEL, "nightly"),
    "enabled": False,
    "after": 7,
    "share": 0.5,
    "within_us": clock.MINUTE,
    "at_least": 9,
    "late_after_us": clock.MINUTE,
    "long_after_us": clock.MINUTE,
    "waiting_after_us": clock.MINUTE,
    "silent_after_us": clock.MINUTE,
}
GOES_ON = {
    "name": "another",
    "muted_until": 2**60,
    "targets": [target_of("slack", "https://hooks.slack.example/x")],
    "repeat_us": clock.HOUR,
    "quiet": Quiet(0, 60, "UTC"),
}
NEVER_CHANGED = {"id", "uuid", "created_at"}


def is_open_after(account, field, value):
    rule = make_alert(account)
    open_incident(rule.uuid)
    values = {"options": Options()._replace(**{field: value})} if field in Options._fields else {field: value}
    alert_store.change(account.id, rule.uuid, values, clock.now())
    return Incident.get().closed_at is None


def test_it_is_decided_for_each_field_of_a_rule():
    fields = {*AlertRow._fields, *Options._fields} - {"options"} - NEVER_CHANGED
    assert {*LOOKS_ANEW, *GOES_ON} == fields


@pytest.mark.parametrize("field", LOOKS_ANEW)
def test_a_rule_that_looks_for_something_else_closes_what_is_open(account, moved_clock, field):
    assert not is_open_after(account, field, LOOKS_ANEW[field])


@pytest.mark.parametrize("field", GOES_ON)
def test_a_rule_whose_messages_are_sent_otherwise_keeps_what_is_open(account, moved_clock, field):
    assert is_open_after(account, field, GOES_ON[field])
