"""What is told of the gates at which a job waits is what holds it, and nothing else."""

import pytest

from models.flows import closing, waits
from models.flows.waits import waits_of
from models.rules import clock
from models.rules.limits import FLOW, HOST
from tests.support.flows import flow, gate_of, ids_through, order


def codes(job_id, now):
    return [wait.code for wait in waits_of(job_id, now)]


@pytest.mark.parametrize("limits", [{"concurrency": 1}, {"rate": 2, "per_s": 60}, {}])
def test_a_flow_with_room_is_not_told_for_a_job_that_waits_elsewhere(account, moved_clock, limits):
    """It was told as a rate whose turn is this moment, also where the flow has no rate."""
    [job_id] = order(account, flow(**limits), host="a.example")
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())
    asked_at = clock.now()
    moved_clock.advance(seconds=0.002)  # while the answer is made

    assert codes(job_id, asked_at) == ["host_paused"]


def test_a_flow_without_room_is_told_beside_where_else_the_job_waits(account, moved_clock):
    first, second = order(account, flow(rate=1, per_s=60), count=2, host="a.example")
    ids_through([first])
    closing.pause(account.id, HOST, "a.example", None, None, clock.now())

    assert codes(second, clock.now()) == ["host_paused", "flow_rate"]


def test_a_flow_that_rests_is_not_called_paused(account, moved_clock):
    [job_id] = order(account, flow())
    closing.rest(gate_of(FLOW, "shop").id, clock.now() + clock.MINUTE, clock.now())

    [wait] = waits_of(job_id, clock.now())

    assert (wait.code, wait.at) == ("flow_paused", clock.now() + clock.MINUTE)
    assert "is left alone until" in wait.text
    assert "since a target asked for that" in wait.text


def test_a_flow_that_is_paused_says_by_whom_it_is_held(account, moved_clock):
    [job_id] = order(account, flow())
    closing.rest(gate_of(FLOW, "shop").id, clock.now() + clock.SECOND, clock.now())
    closing.pause(account.id, FLOW, "shop", None, "deploy", clock.now())

    [wait] = waits_of(job_id, clock.now())

    assert wait.text == "Its flow shop is paused: deploy."


def test_a_busy_flow_says_how_many_may_be_under_way_and_how_many_jobs_go_first(account, moved_clock):
    """It said "has its 1 requests under way", also while none was."""
    first, second, third, fourth = order(account, flow(concurrency=1), count=4)
    ids_through([first, second, third, fourth])

    [wait] = waits_of(third, clock.now())
    assert wait.text == "Its flow shop has at most 1 request under way at once; 1 job goes before it."
    [wait] = waits_of(fourth, clock.now())
    assert wait.text.endswith("; 2 jobs go before it.")


def test_a_rate_says_how_many_jobs_go_first(account, moved_clock):
    first, second, third = order(account, flow(rate=1, per_s=60), count=3)
    ids_through([first, second, third])

    [wait] = waits_of(third, clock.now())

    assert "has had its starts; its turn is at 2026-01-01T" in wait.text
    assert wait.text.endswith("; 1 job goes before it.")


def test_beyond_what_is_counted_more_jobs_go_before_it(account, moved_clock, monkeypatch):
    monkeypatch.setattr(waits, "COUNTED", 2)
    jobs = order(account, flow(rate=1, per_s=60), count=5)
    ids_through(jobs)

    counted = [waits_of(job_id, clock.now())[0].text.rpartition("; ")[2] for job_id in jobs[2:]]

    assert counted == ["1 job goes before it.", "2 jobs go before it.", "more than 2 jobs go before it."]
