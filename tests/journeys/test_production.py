"""Journeys of the production mode: thousands of jobs through PostgreSQL and RabbitMQ, with and without faults.

What a fault may cost is written at each journey; without one, every job is performed exactly once and none early.
"""

import os
import signal
import time

import pytest

from tests.support.journeys import checker
from tests.support.journeys.client import Order, now_us
from tests.support.journeys.journey import SCALE, SECOND, spread
from tests.support.journeys.processes import connected_to, descendants
from tests.support.waiting import wait_until

DRAIN_SECONDS = 60
RETRY_SECONDS = 20  # the first retry comes 17 to 18.7 s after the failure


def order_stretch(journey, *paths):
    """The jobs of a stretch, all due after the last was created; the instant the first is due."""
    first_due_at = journey.lead_us(SCALE.jobs) + now_us()
    journey.order(list(spread(SCALE.jobs, first_due_at, SCALE.stretch_seconds, *paths)))
    return first_due_at


def await_a_third(journey):
    """Wait until the stretch is well under way."""
    last_due_at = max(create.due_at for create in journey.history.created[-SCALE.jobs :])
    journey.await_arrivals(SCALE.jobs // 3, DRAIN_SECONDS + (last_due_at - now_us()) / SECOND)


def sending_children(journey):
    """The worker's processes that have a connection to the receiver open."""
    return connected_to(journey.receiver.port, descendants(journey.product.processes["worker"].pid))


def test_every_job_is_performed_exactly_once_and_none_early(production):
    order_stretch(production)
    history = production.settle(DRAIN_SECONDS)
    assert checker.check(history) == []
    assert len(history.arrivals) == SCALE.jobs


def test_retries_cancels_and_repeated_keys_keep_their_promises(production):
    due_at = now_us() + 5 * SECOND
    production.order(list(spread(20, due_at, 1, "/fail-then-ok/1")))
    production.cancel(production.order(list(spread(20, due_at, 1))))
    production.order([Order(f"key-{number}", due_at, key=f"key {number // 2}") for number in range(20)])

    history = production.settle(RETRY_SECONDS + DRAIN_SECONDS)

    assert checker.check(history) == []
    assert checker.retry_law(history, slack_us=10 * SECOND) == []
    assert len(history.arrivals) == 2 * 20 + 10
    assert [job.state for job in history.recorded].count("cancelled") == 20


@pytest.mark.parametrize("production", [{"BOOPER_LEASE_MARGIN_SECONDS": "1"}], indirect=True)
def test_a_worker_child_killed_under_way_loses_no_job(production):
    """What was in flight in the killed process may arrive again, under the next attempt number."""
    order_stretch(production, *["/ok"] * 9, "/slow/0.5")
    production.product.sql("UPDATE job SET timeout_ms = 3000")  # so that the leases of the dead soon end
    await_a_third(production)
    victim = wait_until(lambda: sending_children(production), 60, "a process that sends")[0]
    os.kill(victim, signal.SIGKILL)
    ((in_flight,),) = production.product.sql("SELECT count(*) FROM job WHERE state = 'executing'")

    history = production.settle(RETRY_SECONDS + DRAIN_SECONDS)

    assert checker.check(history, allowed_duplicates=in_flight) == []
    assert victim not in production.product.pids()
    assert not production.product.processes["worker"].ended


def test_a_purged_queue_loses_no_job(production):
    """The senders stand still until messages wait in the queue, so that the purge has something to throw away."""
    order_stretch(production)
    await_a_third(production)
    children = wait_until(lambda: sending_children(production), 60, "the processes that send")
    queues = list(production.product.broker.queues(production.product.name))
    try:
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        give_it_something_to_lose(production, queues)
        assert production.product.broker.purge(queues) > 0
    finally:
        for pid in children:
            os.kill(pid, signal.SIGCONT)

    history = production.settle(DRAIN_SECONDS)

    assert checker.check(history) == []


def give_it_something_to_lose(journey, queues):
    """Order jobs due now until messages wait in the queue that no process holds already."""
    limit = time.monotonic() + DRAIN_SECONDS
    while not journey.product.broker.waiting(queues):
        assert time.monotonic() < limit, "no message waited in the queue"
        journey.order(list(spread(20, now_us(), 0)))


def test_a_stopped_rabbitmq_loses_no_job_and_no_create(production_on_node, node):
    """While RabbitMQ is stopped jobs are late, and the API goes on answering 201."""
    journey = production_on_node
    first_due_at = order_stretch(journey)
    wait_until(lambda: now_us() > first_due_at + 2 * SECOND, DRAIN_SECONDS, "jobs under way")
    with node.outage():
        end = time.monotonic() + SCALE.outage_seconds
        while time.monotonic() < end:
            journey.order(list(spread(20, now_us() + SECOND, 1)))

    history = journey.settle(DRAIN_SECONDS)

    assert checker.check(history) == []


@pytest.mark.parametrize("production", [{"BOOPER_QUEUE_BOUND": "1000"}], indirect=True)
def test_a_backlog_drains_without_being_published_again_and_again(production):
    production.copies("overdue", SCALE.overdue, "available", now_us() - 60 * SECOND)
    queues = list(production.product.broker.queues(production.product.name))
    held = []

    def drained():
        held.append(held_by_the_queue(production, queues))
        return production.receiver.arrived() >= SCALE.overdue

    wait_until(drained, DRAIN_SECONDS + SCALE.overdue / 200, "the backlog to drain")

    history = production.settle(DRAIN_SECONDS)

    assert checker.check(history) == []
    assert max(staged for staged, _ in held) <= 2 * 1000
    assert max(waiting for _, waiting in held) <= 1000
    assert production.product.sql("SELECT max(staged_count) FROM job WHERE staged_count > 2") == [(None,)]


def held_by_the_queue(journey, queues):
    """(jobs named by a message, messages that wait)."""
    ((staged,),) = journey.product.sql(
        "SELECT count(*) FROM job WHERE staged_at IS NOT NULL AND state IN ('available', 'scheduled', 'retryable')"
    )
    return staged, journey.product.broker.waiting(queues)
