"""What an event of a schedule means to a rule, as tables: pure, without a database."""

import pytest

from models.alerts import conditions
from models.alerts.conditions import (
    CONDITIONS,
    FAILED,
    LATE,
    MISSED,
    SILENT,
    Ends,
    HealthEvent,
    Options,
    Rule,
    Watched,
    Window,
    begins,
    covers,
    ended,
    window_of,
)
from models.rules.clock import HOUR, MINUTE
from models.schedules import health_events

NONE = Ends(0, 0)
SHARED = Options(share=0.5, within_us=HOUR, at_least=4)


def rule(on=CONDITIONS, options=None, scope=("account", ""), gate_id=None):
    return Rule(1, "u", 7, "nightly", frozenset(on), *scope, options or Options(), None, gate_id)


def event(kind, number=1):
    return HealthEvent(1, "s", kind, 1000, number, "status_500", None)


@pytest.mark.parametrize(
    ("kind", "number", "options", "ends", "condition"),
    [
        (health_events.FAILED, 2, Options(after=3), NONE, None),
        (health_events.FAILED, 3, Options(after=3), NONE, FAILED),
        (health_events.FAILED, 9, SHARED, Ends(4, 1), None),
        (health_events.FAILED, 1, SHARED, Ends(4, 2), FAILED),
        (health_events.FAILED, 9, SHARED, Ends(3, 3), None),
        (health_events.DISABLED, 1, Options(after=3), NONE, FAILED),
        (health_events.DISABLED, 1, SHARED, NONE, FAILED),
        (health_events.MISSED, 1, Options(), NONE, MISSED),
        (health_events.BEGUN, 5 * MINUTE, Options(), NONE, None),
        (health_events.BEGUN, 5 * MINUTE + 1, Options(), NONE, LATE),
        (health_events.SUCCEEDED, 1, Options(), NONE, None),
        (health_events.SUCCEEDED, 5 * MINUTE + 1, Options(), NONE, None),
    ],
)
def test_a_condition_begins_by_the_thresholds_of_its_rule(kind, number, options, ends, condition):
    assert begins(rule(options=options), event(kind, number), ends) == condition
    assert begins(rule(on={"long", "waiting"}, options=options), event(kind, number), ends) is None


@pytest.mark.parametrize(
    ("kind", "number", "options", "ends", "over"),
    [
        (health_events.SUCCEEDED, 1, Options(), NONE, {FAILED, SILENT}),
        (health_events.SUCCEEDED, 1, SHARED, Ends(4, 1), {FAILED, SILENT}),
        (health_events.SUCCEEDED, 1, SHARED, Ends(4, 2), {SILENT}),
        (health_events.BEGUN, 5 * MINUTE, Options(), NONE, {MISSED, LATE}),
        (health_events.BEGUN, 5 * MINUTE + 1, Options(), NONE, {MISSED}),
        (health_events.FAILED, 1, Options(), NONE, set()),
        (health_events.MISSED, 1, Options(), NONE, set()),
        (health_events.DISABLED, 1, Options(), NONE, set()),
    ],
)
def test_a_condition_ends_by_the_thresholds_of_its_rule(kind, number, options, ends, over):
    assert set(ended(rule(options=options), event(kind, number), ends)) == over


@pytest.mark.parametrize(
    ("kind", "on", "options", "has_window"),
    [
        (health_events.FAILED, {FAILED}, SHARED, True),
        (health_events.SUCCEEDED, {FAILED}, SHARED, True),
        (health_events.MISSED, {FAILED}, SHARED, False),
        (health_events.FAILED, {MISSED}, SHARED, False),
        (health_events.FAILED, {FAILED}, Options(), False),
    ],
)
def test_only_a_share_of_failures_needs_a_window(kind, on, options, has_window):
    assert window_of(rule(on, options), event(kind)) == (Window("s", 1000, HOUR) if has_window else None)


@pytest.mark.parametrize(
    ("scope", "gate_id", "is_covered"),
    [
        (("account", ""), None, True),
        (("schedule", "s"), None, True),
        (("schedule", "other"), None, False),
        (("label", "vip"), None, True),
        (("label", "vi"), None, False),
        (("host", "a.example"), None, True),
        (("host", "example"), None, False),
        (("flow", "shop"), 3, True),
        (("flow", "shop"), 4, False),
        (("flow", "shop"), None, False),
    ],
)
def test_a_rule_covers_the_schedules_of_its_scope_and_account(scope, gate_id, is_covered):
    watched = Watched("s", 7, "backup", "a.example", frozenset({"vip"}), 3)
    assert covers(rule(scope=scope, gate_id=gate_id), watched) == is_covered
    assert not covers(rule(scope=scope, gate_id=gate_id), watched._replace(account_id=8))


def test_a_rule_of_a_flow_that_is_not_there_covers_no_schedule_without_a_flow():
    assert not covers(rule(scope=("flow", "shop")), Watched("s", 7, "backup", "", frozenset(), None))


@pytest.mark.parametrize(
    "options", [Options(), SHARED, Options(quiet=conditions.Quiet(60, 120, "UTC"), repeat_us=HOUR)]
)
def test_options_are_read_as_they_were_written(options):
    assert conditions.options_of(conditions.options_text(options)) == options


def test_options_of_a_later_version_are_passed_over():
    assert conditions.options_of('{"after": 3, "moon": "full"}') == Options(after=3)
