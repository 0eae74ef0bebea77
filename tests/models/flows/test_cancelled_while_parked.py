"""A job that was cancelled while it was parked keeps the name of its gate, and waits there for nobody any more."""

import pytest

from models.alerts.polling import HELD_SINCE
from models.database.sql import fetch
from models.flows import counts, forgetting, gate_lists, gates, pacing, parking, waits
from models.flows.gate_tables import Gate
from models.jobs.job_tables import Job
from models.operations import cancelling
from models.rules import clock
from models.rules.limits import FLOW, LANE
from tests.support.flows import flow, gate_of, ids_through, lane, order, parked_at


def usage_of(gate_id):
    [usage] = gate_lists.usages(gates.by_id([gate_id]).values(), clock.now()).values()
    return usage.waiting, usage.next_at


def parked_in(gate_id):
    return pacing.uses(gates.by_id([gate_id]).values(), 9, clock.now()).of[gate_id].parked


READERS = {  # what is read of a gate, and what it says when nothing waits there
    "the operator's count": (lambda gate_id: counts.parked(99)[gates.by_id([gate_id])[gate_id].kind], 0),
    "the operator's oldest": (lambda _: counts.oldest_parked_at(), None),
    "the list of gates": (usage_of, (0, None)),
    "the line at the gate": (parked_in, []),
    "the search for forgotten gates": (lambda _: fetch(parking.WAITED_FOR), []),
    "what is woken when room is made": (lambda gate_id: gates.wake([gate_id], clock.now()), 0),
    "what a crash has left": (lambda _: parking.wake_forgotten(clock.now()), 0),
    "the condition of alert rules": (
        lambda gate_id: fetch(f"SELECT {HELD_SINCE} FROM gate WHERE id = {gate_id}"),
        [(None,)],
    ),
    "the jobs before another": (lambda gate_id: waits._parked_before(gate_id, 2**40, clock.now() + clock.HOUR), 0),
}


@pytest.fixture(params=[FLOW, LANE])
def gate_id(request, account, moved_clock):
    """A gate at which two jobs were parked behind one that has ended since; nobody looks at it."""
    name = flow(concurrency=1) if request.param == FLOW else lane()
    first, *parked = order(account, name, count=3)
    ids_through([first, *parked])
    gate = gate_of(*name[:2])
    assert parked_at(gate.id) == parked
    Job.update(state="completed", claim_id=None, lease_until=None).where(Job.id == first).execute()
    Gate.update(wake_at=None).execute()
    return gate.id


@pytest.mark.parametrize("reader", READERS)
def test_a_job_that_was_cancelled_while_it_was_parked_waits_nowhere(account, gate_id, reader):
    read, nothing = READERS[reader]
    assert read(gate_id) != nothing
    Gate.update(wake_at=None).execute()

    cancelling.cancel_all(account.id, parked_at(gate_id), clock.now())
    Gate.update(wake_at=None).execute()

    assert read(gate_id) == nothing


def test_its_gate_is_forgotten_in_the_end(account, gate_id, moved_clock):
    cancelling.cancel_all(account.id, parked_at(gate_id), clock.now())

    moved_clock.advance(days=8)

    assert forgetting.forget(clock.now()) == 1
