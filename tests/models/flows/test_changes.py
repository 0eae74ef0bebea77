"""What each change of a gate writes: these columns and no others, and it returns what it has stored."""

import pytest

from models.database.transactions import transaction
from models.flows import breakers, closing, gates
from models.flows.breakers import HostName
from models.flows.gate_tables import Gate as GateTable
from models.flows.gates import Gate
from models.rules import clock
from models.rules.clock import HOUR, MINUTE, SECOND
from models.rules.limits import HOST, Limits

KEY = "a.example"
DERIVED = {"closed_until", "wake_at"}  # follow from the other columns
PAUSE = {"paused_at": -MINUTE, "paused_until": HOUR, "reason": "an earlier one"}
REST = {"rests_until": HOUR}
FAILS = {"failures": 2, "failing_since": -30 * SECOND, "probes": 1, "probe_at": -SECOND}
LIMITS = {"rate": 5, "per_us": MINUTE, "concurrency": 3, "stops": 1, "is_pinned": 0, "used_at": -HOUR}
INSTANTS = {"paused_at", "paused_until", "rests_until", "failing_since", "probe_at", "used_at"}
NO_PAUSE = {"paused_at": None, "paused_until": None, "reason": None}
NO_FAILURES = {"failures": 0, "failing_since": None, "probes": 0, "probe_at": None}


def absolute(columns, now):
    return {name: value + now if name in INSTANTS and value is not None else value for name, value in columns.items()}


def made_gate(account, now, *without):
    """A gate of which every column is set, and that is held by a pause, a rest and failures."""
    gate = gates.ensure(account.id, HOST, KEY, now)
    columns = {
        name: value for part in (PAUSE, REST, FAILS, LIMITS) if part not in without for name, value in part.items()
    }
    GateTable.update(absolute(columns, now)).where(GateTable.id == gate.id).execute()
    return gates.by_id([gate.id])[gate.id]


VERBS = {  # how the gate is changed, and what it has afterwards; instants count from now
    "a pause": (
        lambda gate, now: closing.pause(gate.account_id, HOST, KEY, now + MINUTE, "a new one", now),
        {"paused_at": 0, "paused_until": MINUTE, "reason": "a new one"},
    ),
    "a pause without an end": (
        lambda gate, now: closing.pause(gate.account_id, HOST, KEY, None, None, now),
        {"paused_at": 0, "paused_until": None, "reason": None},
    ),
    "its end": (lambda gate, now: closing.resume(gate.account_id, HOST, KEY, now), NO_PAUSE),
    "a longer rest": (lambda gate, now: closing.rest(gate.id, now + 2 * HOUR, now), {"rests_until": 2 * HOUR}),
    "a shorter rest": (lambda gate, now: closing.rest(gate.id, now + MINUTE, now), {}),
    "a reset": (lambda gate, now: closing.reset(gate.account_id, HOST, KEY, now), {"rests_until": None, **NO_FAILURES}),
    "sending again": (
        lambda gate, now: closing.reopen(gate.account_id, KEY, now),
        {**NO_PAUSE, "rests_until": None, **NO_FAILURES},
    ),
    "a stop of the lane": (
        lambda gate, now: closing.stop_lanes({gate.id: 7}, now),
        {"paused_at": 0, "paused_until": None, "reason": "job 7 was discarded"},
    ),
    "a failure": (lambda gate, now: breakers.failed(HostName(gate.account_id, KEY), 1, 0, now), {"failures": 3}),
    "a success": (lambda gate, now: breakers.worked(HostName(gate.account_id, KEY), now), NO_FAILURES),
    "other limits": (
        lambda gate, now: gates.set_limits(gate, Limits(9, HOUR, 4, 0), True, now),
        {"rate": 9, "per_us": HOUR, "concurrency": 4, "stops": 0, "is_pinned": 1, "used_at": 0},
    ),
    "some other limit": (
        lambda gate, now: gates.change_limits(gate.id, lambda limits: limits._replace(concurrency=4), now),
        {"concurrency": 4, "is_pinned": 1, "used_at": 0},
    ),
}
FIRST_FAILURE = {"failures": 1, "failing_since": 0}
THIRD_FAILURE = {"failures": 3, "probe_at": breakers.FIRST_PROBE_US}


def changed_columns(before, after):
    return {
        name: getattr(after, name)
        for name in Gate._fields
        if name not in DERIVED and getattr(before, name) != getattr(after, name)
    }


def assert_changes(gate, change, expected, now):
    with transaction():
        returned = change(gate, now)
    stored = gates.by_id([gate.id])[gate.id]
    assert changed_columns(gate, stored) == absolute(expected, now)
    assert not isinstance(returned, Gate) or returned == stored


@pytest.mark.parametrize("verb", VERBS)
def test_a_change_writes_its_columns_and_no_others(account, moved_clock, verb):
    now = clock.now()
    assert_changes(made_gate(account, now), *VERBS[verb], now)


def test_the_probe_that_goes_out_moves_the_next_one_and_nothing_else(account, moved_clock):
    now = clock.now()
    gate = made_gate(account, now, PAUSE, REST)
    next_at = breakers.probe_distance_us(2)
    assert_changes(
        gate, lambda gate, now: breakers.take_probes([gate.id], now), {"probes": 2, "probe_at": next_at}, now
    )


def test_the_first_failure_of_a_row_says_since_when_and_the_last_of_it_when_to_probe(account, moved_clock):
    now = clock.now()
    fail = lambda gate, now: breakers.failed(HostName(gate.account_id, KEY), 1, 3, now)  # noqa: E731
    assert_changes(made_gate(account, now, FAILS), fail, FIRST_FAILURE, now)
    GateTable.update(absolute({"failures": 2, "failing_since": -MINUTE}, now)).execute()
    assert_changes(gates.find(account.id, HOST, KEY), fail, THIRD_FAILURE, now)
    GateTable.update(absolute({"failures": 2, "failing_since": -MINUTE - 1, "probe_at": None}, now)).execute()
    assert_changes(gates.find(account.id, HOST, KEY), fail, FIRST_FAILURE, now)
