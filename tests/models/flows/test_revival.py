"""A copy of an old job whose gates were forgotten since: it keeps the limits that the old one had."""

import json

import pytest

from models.flows import forgetting, orders
from models.flows.gate_tables import Gate
from models.jobs import lifecycle, replays
from models.jobs.job_store import NewJob
from models.jobs.job_tables import Job
from models.rules import clock
from models.rules.limits import FLOW, LANE, GateName, Limits
from tests.support.flows import gate_of, ids_through, let_through
from tests.support.rows import make_job, reread

LIMITS = Limits(rate=1, per_us=10 * clock.SECOND)
FLOW_ARGS = {"flow": {"key": "shop", "rate": 1, "per": "10s"}}
SHOP = GateName(FLOW, "shop", LIMITS)


@pytest.fixture
def copies(account, moved_clock):
    """Order a job with these gates, let it end and its gates be forgotten, and run it again twice: the new ids."""

    def make(args, *names):
        args = {"method": "get", "url": "http://a.example/", **args}
        new = NewJob(account.id, json.dumps(args), None, None, clock.now(), gates=names)
        old, _ = orders.create(new, clock.now())
        lifecycle.complete(let_through([old.id]), clock.now())
        moved_clock.advance(days=8)
        assert forgetting.forget(clock.now()) == len(names)
        return [replays.replay(account.id, [old.id], clock.now())[0].id for _ in range(2)]

    return make


def test_a_copy_keeps_the_limits_of_its_flow_although_that_was_forgotten(copies, moved_clock):
    first, second = copies(FLOW_ARGS, SHOP)
    at_once = ids_through([first, second])
    moved_clock.advance(seconds=10)

    assert (at_once, ids_through([second])) == ([first], [second])
    assert (gate_of(FLOW, "shop").rate, gate_of(FLOW, "shop").per_us) == (1, 10 * clock.SECOND)


def test_a_copy_joins_the_flow_that_was_made_anew_meanwhile(copies, account, moved_clock):
    first, second = copies(FLOW_ARGS, SHOP)
    anew = GateName(FLOW, "shop", Limits(concurrency=2))
    orders.create(NewJob(account.id, "{}", None, None, clock.now(), gates=(anew,)), clock.now())

    assert ids_through([first, second]) == [first, second]
    assert {Job.get_by_id(job_id).flow_id for job_id in (first, second)} == {gate_of(FLOW, "shop").id}
    assert (gate_of(FLOW, "shop").rate, gate_of(FLOW, "shop").concurrency) == (None, 2)


def test_a_job_under_way_keeps_the_flow_that_counts_it(copies, account, moved_clock):
    first, _ = copies(FLOW_ARGS, SHOP)
    forgotten = Job.get_by_id(first).flow_id
    under_way = make_job(account, "executing", flow_id=forgotten, claim_id=7, attempt=1, attempted_at=clock.now())
    orders.create(NewJob(account.id, "{}", None, None, clock.now(), gates=(SHOP,)), clock.now())

    assert ids_through([first]) == [first]
    assert reread(under_way).flow_id == forgotten != Job.get_by_id(first).flow_id


@pytest.mark.parametrize("ordered", ["user", {"key": "user", "on_failure": "stop"}])
def test_a_copy_keeps_its_lane(copies, ordered):
    first, second = copies({"lane": ordered}, GateName(LANE, "user"))

    assert ids_through([first, second]) == [first]
    assert gate_of(LANE, "user").stops == isinstance(ordered, dict)


def test_a_copy_whose_order_does_not_name_the_key_runs_without_a_gate(copies):
    first, second = copies({}, SHOP)

    assert (ids_through([first, second]), Gate.select().count()) == ([first, second], 0)
