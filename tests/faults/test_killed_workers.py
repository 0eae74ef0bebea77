"""F1: a sending process is killed with a request at three places. F11: a job kills its process every time."""

import contextlib
import json
import os
import signal
import uuid

import pytest

from tests.support.faults.faulty_product import FIELDS, LEASE_SECONDS
from tests.support.faults.report import extra, note
from tests.support.faults.scale import PATIENCE, only_full
from tests.support.journeys import checker
from tests.support.journeys.client import Order, now_us
from tests.support.journeys.journey import SECOND, spread
from tests.support.waiting import wait_until

AGAIN_US = PATIENCE * (LEASE_SECONDS + 5) * SECOND
POISONED = {"fields": FIELDS | {"timeout": 1}, "BOOPER_LEASE_MARGIN_SECONDS": "4"}
NEIGHBOURS = 30


@pytest.mark.alone
def test_f1_a_worker_killed_while_the_receiver_holds_its_requests_loses_none(production):
    production.order(list(spread(24, now_us() + SECOND, 0.3, "/slow/1")))
    production.await_arrivals(24, 60)
    victim = production.product.senders(production.receiver.port)[0]
    in_flight = production.product.freeze(victim)
    os.kill(victim, signal.SIGKILL)
    history = production.settle(60)

    note("F1 killed while the receiver holds it", history, in_flight=in_flight)

    assert checker.check(history) == []
    assert 0 < extra(history) <= in_flight
    assert longest_gap_us(history) <= AGAIN_US


@pytest.mark.alone
@pytest.mark.parametrize(
    ("place", "arrivals"),
    [pytest.param("before", 1, marks=only_full), ("after", 2)],
    ids=["before_it_sends", "after_the_answer"],
)
def test_f1_a_worker_that_dies_with_one_request_sends_it_again(production, place, arrivals):
    """The others under way in that process may be repeated too."""
    due_at = now_us() + SECOND
    production.order([*spread(12, due_at, 0), Order("deadly", due_at, f"/ok?once={place}"), *spread(12, due_at, 0)])
    history = production.settle(60)
    note(f"F1 killed {place}", history)
    assert checker.check(history, allowed_duplicates=25) == []
    assert [a.nonce for a in history.arrivals].count("deadly") == arrivals
    assert max(a.at for a in history.arrivals) - due_at <= AGAIN_US


def longest_gap_us(history):
    """The longest time between two arrivals of one job."""
    by_nonce = {}
    for arrival in history.arrivals:
        by_nonce.setdefault(arrival.nonce, []).append(arrival.at)
    return max(max(instants) - min(instants) for instants in by_nonce.values())


@only_full
@pytest.mark.parametrize("production", [POISONED], indirect=True)
def test_f11_a_job_that_kills_its_workers_alone_is_given_up(production):
    """Its neighbors' targets are slow: they are under way in the process that dies, and may be repeated."""
    due_at = now_us() + SECOND
    production.order([*spread(NEIGHBOURS, due_at, 0, "/slow/0.5"), Order("poison", due_at, "/ok?always=before")])
    history = production.settle(60)
    note("F11 poison among slow neighbors", history)
    assert checker.no_loss(history) == []
    assert [job.nonce for job in history.recorded if job.state != "completed"] == ["poison"]
    assert "poison" not in {a.nonce for a in history.arrivals}
    assert reasons(production.product) == ["crashed"]


def reasons(product):
    """Why jobs were discarded, as their log entries say."""
    rows = product.sql("SELECT payload FROM log_entry WHERE event = 'worker.job.discarded'")
    return [json.loads(payload)["reason"] if isinstance(payload, str) else payload["reason"] for (payload,) in rows]


def dead_letters(product):
    """How many there are within a minute; a fourth would be a message of our own."""
    names = [f"{product.name}.deliver.XQ"]
    with contextlib.suppress(AssertionError):
        wait_until(lambda: product.broker.waiting(names) >= 3, 60, "dead letters", 0.1)
    return product.broker.waiting(names)


def test_f11_messages_nobody_understands_end_in_the_dead_letter_queue(production):
    product = production.product
    queue = f"{product.name}.deliver"
    unknown = {"queue_name": queue, "actor_name": "nobody", "args": [], "kwargs": {}, "options": {}}
    unknown |= {"message_id": str(uuid.uuid4()), "message_timestamp": 0}
    product.await_queues()
    production.order(list(spread(30, now_us() + SECOND, 1)))
    with product.broker.channel() as channel:
        for body in (b"\x80no message", b"{}", json.dumps(unknown).encode()):
            channel.basic_publish("", queue, body)
    history = production.settle(60)

    note("F11 undecodable and unknown messages", history)

    assert checker.check(history) == []
    assert len(history.arrivals) == 30
    assert dead_letters(product) == 3
