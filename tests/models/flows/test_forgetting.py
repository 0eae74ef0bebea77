"""Which gates are forgotten after a week, and which are not."""

import pytest

from models.database.sql import fetch
from models.database.transactions import transaction
from models.flows import breakers, closing, forgetting, gates
from models.flows.breakers import HostName
from models.flows.gate_tables import Gate
from models.jobs import lifecycle
from models.rules import clock
from models.rules.limits import FLOW, LANE, Limits
from models.schedules import schedule_changes
from tests.support.flows import flow, gate_of, lane, let_through, order
from tests.support.schedule_rows import create_schedule, jobs_of, run_ticker


def keys():
    return sorted(gate.key for gate in Gate.select())


def finish(account, *names):
    jobs = let_through(order(account, *names))
    lifecycle.complete(jobs, clock.now())


def test_a_gate_that_nobody_has_used_for_a_week_is_forgotten(account, moved_clock):
    finish(account, flow("shop", rate=1, per_s=60), lane("user"))
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (2, [])


def test_with_a_gate_its_starts_and_its_minutes_are_forgotten_and_no_others(account, moved_clock):
    finish(account, flow("old", rate=1, per_s=30 * 86_400))
    moved_clock.advance(days=8)
    finish(account, flow("new", rate=1, per_s=30 * 86_400))

    assert forgetting.forget(clock.now()) == 1

    new = gate_of(FLOW, "new").id
    assert fetch("SELECT gate_id FROM gate_start") == fetch("SELECT gate_id FROM flow_minute") == [(new,)]


def test_a_gate_that_was_used_within_the_week_is_not_forgotten(account, moved_clock):
    finish(account, flow("shop"))
    moved_clock.advance(days=6)

    assert (forgetting.forget(clock.now()), keys()) == (0, ["shop"])


@pytest.mark.parametrize("name", [flow("shop"), lane("shop")])
def test_a_gate_of_a_job_that_is_still_to_come_is_not_forgotten(account, moved_clock, name):
    order(account, name, in_s=30 * 86_400)
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (0, ["shop"])


def test_a_pinned_or_paused_gate_is_not_forgotten(account, moved_clock):
    finish(account, flow("pinned"))
    pinned = gates.ensure(account.id, FLOW, "pinned", clock.now())
    gates.set_limits(pinned, Limits(concurrency=1), True, clock.now())
    closing.pause(account.id, LANE, "paused", None, None, clock.now())
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (0, ["paused", "pinned"])


def test_a_host_that_is_still_probed_is_not_forgotten(account, moved_clock):
    with transaction():
        breakers.failed(HostName(account.id, "a.example"), 1, 1, clock.now())
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (0, ["a.example"])


def test_a_host_that_works_again_is_forgotten(account, moved_clock):
    with transaction():
        breakers.failed(HostName(account.id, "a.example"), 1, 1, clock.now())
        breakers.worked(HostName(account.id, "a.example"), clock.now())
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (1, [])


def test_a_gate_whose_pause_has_ended_is_forgotten(account, moved_clock):
    finish(account, flow("shop"))
    closing.pause(account.id, FLOW, "shop", clock.now() + clock.HOUR, None, clock.now())
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (1, [])


def test_a_gate_that_a_disabled_schedule_names_is_not_forgotten(account, moved_clock):
    schedule = create_schedule(account, job={"gates": (flow("shop"),)})
    schedule_changes.disable(account.id, schedule.id, clock.now())
    moved_clock.advance(days=8)

    assert (forgetting.forget(clock.now()), keys()) == (0, ["shop"])


def test_all_jobs_of_a_schedule_join_its_flow(account, moved_clock):
    schedule = create_schedule(account, job={"gates": (flow("shop", concurrency=1),)})
    run_ticker()
    moved_clock.advance(hours=1)
    run_ticker()

    assert {job.flow_id for job in jobs_of(schedule.id)} == {gate_of(FLOW, "shop").id}
