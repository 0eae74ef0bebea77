"""One journey: a product, a receiver, a client, and the three ledgers they fill.

Owns the steps that journeys share: ordering jobs over a stretch of time, waiting for the end, and reading the history
for the checker. The sizes are here too: BOOPER_TEST_JOURNEY_SCALE=full asks for the figures Booper promises, otherwise
journeys are short enough for every change.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from tests.support.journeys.client import Client, Order, now_us
from tests.support.journeys.ledger import Created, History
from tests.support.journeys.processes import ReceiverProcess
from tests.support.journeys.product import Product
from tests.support.waiting import wait_until

SECOND = 1_000_000
WEEK = 7 * 24 * 3600 * SECOND
SAMPLE = 40


class Scale(NamedTuple):
    """How large the journeys are; `jobs` fall due within `stretch_seconds`."""

    jobs: int
    stretch_seconds: int
    overdue: int
    outage_seconds: int


FULL = os.environ.get("BOOPER_TEST_JOURNEY_SCALE") == "full"
SCALE = Scale(10_000, 60, 20_000, 20) if FULL else Scale(1_000, 6, 5_000, 5)
# Each thread keeps a connection; journeys side by side must not take all that PostgreSQL has.
FEWER_CONNECTIONS = {} if FULL else {"BOOPER_API_PROCESSES": "2", "BOOPER_DATABASE_CONNECTIONS": "4"}


class Journey:
    """The product under way, and what is known about it."""

    def __init__(self, product: Product, receiver: ReceiverProcess) -> None:
        self.product, self.receiver = product, receiver
        self.client: Client = product.client(receiver.port)
        self.history = History()

    def order(self, orders: list[Order]) -> list[Created]:
        """Create these jobs; every one must be answered."""
        created = self.client.create_all(orders)
        self.history.created += created
        assert {create.outcome for create in created} <= {"ok"}, "the API must answer every create with 2xx"
        return created

    def lead_us(self, count: int) -> int:
        """How far ahead the first of so many jobs must be due for all to be created before: this machine is tried."""
        for _ in range(2):  # the first round finds the API cold
            began_at = now_us()
            sample = self.order(list(spread(SAMPLE, began_at + WEEK, 1)))
            pace_us = (now_us() - began_at) / SAMPLE
            self.cancel(sample)
        return 2 * SECOND + int(3 * pace_us * count)  # others may come to use the machine

    def cancel(self, created: list[Created]) -> None:
        self.history.cancelled += [self.client.cancel(create) for create in created]

    def await_arrivals(self, count: int, limit_seconds: float) -> None:
        wait_until(lambda: self.receiver.arrived() >= count, limit_seconds, f"{count} arrivals")

    def settle(self, limit_seconds: float) -> History:
        """Wait until every job is final, so long after the last was due; then the whole history."""
        cancelled = {cancel.nonce for cancel in self.history.cancelled}
        last_due_at = max(create.due_at for create in self.history.created if create.nonce not in cancelled)
        ahead_seconds = max(0, last_due_at - now_us()) / SECOND
        wait_until(self.client.settled, ahead_seconds + limit_seconds, "every job to be final", pause_seconds=0.25)
        self.history.recorded = self.client.jobs()
        self.history.arrivals, self.history.ends = self.receiver.stopped_ledger()
        return self.history

    def copies(self, nonce: str, count: int, state: str, first_due_at: int) -> list[Created]:
        """So many jobs at once, copied in the database from one that the API made (and that is cancelled then)."""
        model = self.client.create(Order(nonce, now_us() + WEEK))
        assert model.job_id is not None
        self.product.copy_job(model.job_id, nonce, count, state, first_due_at)
        self.history.created.append(model)
        self.cancel([model])
        made = [copied(model, number, first_due_at) for number in range(1, count + 1)]
        self.history.created += made
        return made


def copied(model: Created, number: int, first_due_at: int) -> Created:
    return replace(model, nonce=f"{model.nonce}-{number}", due_at=first_due_at + number)


def spread(count: int, first_due_at: int, stretch_seconds: float, *paths: str) -> Iterator[Order]:
    """Orders that fall due evenly over a stretch of time; the paths take turns."""
    paths = paths or ("/ok",)
    mark = secrets.token_hex(4)
    for number in range(count):
        due_at = first_due_at + int(stretch_seconds * SECOND * number / count)
        yield Order(f"{mark}-{number}", due_at, paths[number % len(paths)])


def under_way(product: Product, receiver: ReceiverProcess) -> Iterator[Journey]:
    """The journey; what the product wrote is shown when the test fails."""
    with product:
        yield Journey(product, receiver)
        print(product.log())
