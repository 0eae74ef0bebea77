"""Starts the product for a workload and fills its table; knows the sizes and the services. Measures nothing.

Each product has its own directory, database and queue prefix, which are gone at the end of its block.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.support.journeys.broker import Broker
from tests.support.journeys.client import Order, now_us
from tests.support.journeys.product import Embedded, Product, Production
from tests.support.waiting import wait_until

POSTGRES_URL = os.environ.get("BOOPER_TEST_POSTGRES_URL", "postgresql://root@127.0.0.1:5432/postgres")
RABBITMQ_URL = os.environ.get("BOOPER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
SECOND = 1_000_000
WEEK = 7 * 24 * 3600 * SECOND
ROWS_AT_ONCE = 100_000


class NotThereYet(Exception):
    """The product lacks what the workload measures; the message says what."""


@dataclass
class Session:
    """One session of the benchmark. `tell` shows the current step; `notes` are printed below the table."""

    quick: bool
    rounds: int
    broker: Broker
    drained: int
    peer_names: frozenset[str]
    tell: Callable[[str], None] = lambda _: None
    notes: dict[str, str] = field(default_factory=dict)

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def each_round(self, what: str) -> Iterator[int]:
        """The rounds of a workload."""
        for number in range(1, self.rounds + 1):
            self.tell(f"{what}, round {number}")
            yield number

    @contextlib.contextmanager
    def production(self, **settings: str) -> Iterator[Production]:
        """Production mode with the default settings but for these."""
        with tempfile.TemporaryDirectory() as name:
            with Production(Path(name), POSTGRES_URL, self.broker, **settings) as product:
                yield product

    @contextlib.contextmanager
    def embedded(self) -> Iterator[Embedded]:
        with tempfile.TemporaryDirectory() as name, Embedded(Path(name)) as product:
            yield product


def model_job(product: Product, port: int, path: str = "/ok") -> int:
    """Create a job that is due in a week through the API; returns its integer id, for copying."""
    created = product.client(port).create(Order("bench", now_us() + WEEK, path))
    assert created.job_id is not None, f"the API must answer the create with 201:\n{product.log()}"
    return created.job_id


def add_jobs(product: Embedded | Production, model: int, count: int, state: str, first_due_at: int) -> None:
    """Add `count` copies of the model, due a microsecond apart, in steps of ROWS_AT_ONCE."""
    for done in range(0, count, ROWS_AT_ONCE):
        step = min(ROWS_AT_ONCE, count - done)
        product.copy_job(model, f"bench-{done}", step, state, first_due_at + done)


def fill(product: Production, model: int, far: int, finished: int) -> None:
    """Fill the table: jobs due in a week and later, and finished ones."""
    add_jobs(product, model, far, "scheduled", now_us() + WEEK)
    add_jobs(product, model, finished, "completed", now_us() - WEEK)
    product.sql("UPDATE job SET completed_at = scheduled_at WHERE state = 'completed' AND completed_at IS NULL")
    settle_tables(product)


def settle_tables(product: Production) -> None:
    """Vacuum and analyze, as autovacuum would within minutes."""
    with psycopg.connect(product.database_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def await_recorded(product: Embedded | Production, count: int, limit_seconds: float) -> None:
    """Wait until `count` attempts are recorded."""
    sql = "SELECT count(*) FROM attempt"
    wait_until(lambda: product.sql(sql)[0][0] >= count, limit_seconds, f"{count} attempts", pause_seconds=0.2)
