"""Due jobs of a flow that is full are parked before a message names them; nothing else is."""

import pytest
from peewee import OperationalError

from models.flows import closing, gates, leaving, parking
from models.jobs import staging
from models.rules import clock
from models.rules.limits import FLOW, Limits
from tests.support.flows import flow, gate_of, ids_through, lane, order, parked_at
from tests.support.lost_answers import answer_lost
from tests.support.races import beside
from workers.queue.actors import BrokerError
from workers.ticker.stager import Stager
from workers.ticker.ticker import drop_connection


@pytest.fixture
def stager(account, moved_clock, messages):
    return Stager(messages, clock.SECOND, bound=1000)


def test_of_a_burst_those_beyond_the_rate_are_named_in_their_turns_alone(stager, account, messages, moved_clock):
    ids = order(account, flow(rate=3, per_s=10), count=10)

    stager.stage_due(clock.now())
    assert messages.named == []
    stager.stage_due(clock.now())
    started = ids_through(messages.named)
    moved_clock.advance(seconds=10)
    stager.stage_due(clock.now())

    assert started == ids[:3]
    assert messages.named == ids[:6]


def test_jobs_that_come_later_stand_behind_those_that_wait_for_their_turn(stager, account, messages):
    first = order(account, flow(rate=3, per_s=10), count=4)
    for _ in range(2):
        stager.stage_due(clock.now())
    ids_through(messages.named)
    stager.stage_due(clock.now())
    [later] = order(account, flow())

    stager.stage_due(clock.now())

    assert messages.named == first[:3]
    assert parked_at(gate_of(FLOW, "shop").id) == [first[3], later]


def test_as_many_as_the_rate_allows_are_named_at_once(stager, account, messages):
    ids = order(account, flow(rate=3, per_s=10), count=3)

    stager.stage_due(clock.now())

    assert messages.named == ids


def test_a_flow_whose_turns_have_come_holds_no_new_job_back(stager, account, messages, moved_clock):
    order(account, flow(rate=3, per_s=10), count=4)
    for _ in range(2):
        stager.stage_due(clock.now())
    ids_through(messages.named)
    stager.stage_due(clock.now())
    moved_clock.advance(seconds=10)
    stager.stage_due(clock.now())
    [later] = order(account, flow())

    stager.stage_due(clock.now())

    assert messages.named[-1] == later


def test_no_message_names_jobs_of_a_paused_flow(stager, account, messages):
    ids = order(account, flow(), count=2)
    closing.pause(account.id, FLOW, "shop", None, None, clock.now())
    stager.stage_due(clock.now())
    assert messages.named == []

    closing.resume(account.id, FLOW, "shop", clock.now())
    stager.stage_due(clock.now())

    assert messages.named == ids


def test_jobs_of_a_flow_that_limits_those_under_way_alone_are_named(stager, account, messages):
    ids = order(account, flow(concurrency=1), count=3)

    stager.stage_due(clock.now())

    assert messages.named == ids


def test_a_job_with_a_lane_goes_to_its_lane_first(stager, account, messages):
    ids = order(account, flow(rate=1, per_s=10), lane(), count=2)

    stager.stage_due(clock.now())

    assert messages.named == ids


def test_a_job_that_is_not_due_yet_is_named_ahead(stager, account, messages):
    ids = order(account, flow(rate=1, per_s=10), count=2, in_s=0.5)

    stager.stage_due(clock.now())

    assert messages.named == ids


def test_jobs_of_other_flows_are_named_beside_a_full_one(stager, account, messages):
    order(account, flow("full", rate=1, per_s=10), count=2)
    others = order(account, flow("other", rate=2, per_s=10), count=2) + order(account)

    stager.stage_due(clock.now())

    assert messages.named == others


def test_parked_jobs_do_not_count_as_marked_without_a_message(stager, account, messages):
    """Else the stager would unmark them at its next turn, when a message names them."""
    order(account, flow(rate=1, per_s=10), count=2)
    stager.stage_due(clock.now())
    stager.stage_due(clock.now())

    stager.stage_due(clock.now())

    assert len(messages.named) == 1
    assert staging.staged_between(0, clock.now(), 10) == 1


def test_jobs_of_a_flow_that_is_resumed_while_they_are_parked_are_named_at_the_next_turn(stager, account, messages):
    ids = order(account, flow(), count=3)
    closing.pause(account.id, FLOW, "shop", None, None, clock.now())

    beside(lambda: stager.stage_due(clock.now()), lambda: closing.resume(account.id, FLOW, "shop", clock.now()))
    stager.stage_due(clock.now())

    assert messages.named == ids


def test_jobs_of_a_flow_that_loses_its_rate_while_they_are_parked_are_named_at_the_next_turn(stager, account, messages):
    ids = order(account, flow(rate=1, per_s=10), count=3)
    gate = gate_of(FLOW, "shop")

    beside(lambda: stager.stage_due(clock.now()), lambda: gates.set_limits(gate, Limits(), True, clock.now()))
    stager.stage_due(clock.now())

    assert messages.named == ids


def test_jobs_parked_by_a_ticker_that_died_are_found(stager, account, messages, monkeypatch):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    monkeypatch.setattr(leaving, "look_again", lambda _gate_ids: None)  # it died right after its commit
    stager.stage_due(clock.now())
    stager.stage_due(clock.now())
    assert messages.named == []

    assert parking.wake_forgotten(clock.now()) == 1
    stager.stage_due(clock.now())

    assert messages.named == ids[:1]


def test_jobs_whose_parking_was_committed_unanswered_are_named_in_their_turns(stager, account, messages):
    ids = order(account, flow(rate=1, per_s=10), count=2)
    with answer_lost(), pytest.raises(OperationalError):
        stager.stage_due(clock.now())
    drop_connection()

    stager.stage_due(clock.now())
    parking.wake_forgotten(clock.now())
    stager.stage_due(clock.now())

    assert messages.named == ids[:1]


def test_jobs_that_were_parked_wait_on_when_the_broker_does_not_take_the_others(stager, account, messages):
    order(account, flow(rate=1, per_s=10), count=2)
    [other] = order(account)
    messages.accepts = 0
    with pytest.raises(BrokerError):
        stager.stage_due(clock.now())

    messages.accepts = 10
    stager.stage_due(clock.now())

    assert other in messages.named
    assert len(messages.named) == 2
