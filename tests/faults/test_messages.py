"""F14: messages that come ten times, and messages for what has long happened."""

import json
import time
import uuid

from tests.support.faults.report import note
from tests.support.journeys import checker
from tests.support.journeys.client import Order, now_us
from tests.support.journeys.journey import SECOND
from tests.support.waiting import wait_until


def test_f14_a_message_published_ten_times_and_stale_ones_perform_nothing_twice(production):
    """Ten for a job about to be due; ten for one that waits for its second attempt; ten for one that is done."""
    production.product.await_queues()
    due_at = now_us() + SECOND
    created = production.order([Order("plain", due_at), Order("again", due_at, "/fail-then-ok/1")])
    publish_ten_times(production.product, created, due_at)
    wait_until(lambda: job_states(production.product) == {"completed", "retryable"}, 60, "the first attempts")
    publish_ten_times(production.product, created, due_at)
    history = production.settle(60)
    note("F14 ten copies of a message", history)
    assert checker.check(history) == []
    assert sorted(a.nonce for a in history.arrivals) == ["again", "again", "plain"]

    first, second = (a.at for a in history.arrivals if a.nonce == "again")
    assert second - first >= SECOND


def publish_ten_times(product, created, due_at):
    """By hand, as the stager would: one message that names these jobs."""
    queue = f"{product.name}.deliver"
    rows = product.sql("SELECT id, account_id, host FROM job ORDER BY id")
    assert len(rows) == len(created)
    message = {"queue_name": queue, "actor_name": "deliver", "args": [rows, due_at], "kwargs": {}, "options": {}}
    with product.broker.channel() as channel:
        for _ in range(10):
            message |= {"message_id": str(uuid.uuid4()), "message_timestamp": time.time_ns() // 1_000_000}
            channel.basic_publish("", queue, json.dumps(message).encode())


def job_states(product):
    return {state for (state,) in product.sql("SELECT state FROM job")}
