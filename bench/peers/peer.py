"""Measures a peer: enqueue the jobs, start the workers, take the rate from the first to the last arrival at the target,
and wait until every result is stored. Each drain has its own database, queue and Redis."""

import contextlib
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench.peers.installing import NODE_MODULES
from bench.peers.redis import Redis
from bench.session import POSTGRES_URL, RABBITMQ_URL, Session
from bench.targets import Target
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until

FOLDER = Path(__file__).parent
ORDER_SECONDS = 300
SLOWEST = 30  # jobs a second; a peer that is slower has failed
# What a peer without storage of its own stores for each job: the attempt with its instants, and two log rows.
TABLES = """
CREATE TABLE attempt (number int PRIMARY KEY, started_at timestamptz, finished_at timestamptz, status_code int);
CREATE TABLE log_entry (id uuid PRIMARY KEY, number int, event text, payload json, inserted_at timestamptz);
CREATE INDEX log_entry_number ON log_entry (number);
"""
Env = dict[str, str]


class Peer(NamedTuple):
    """One peer. `recorded`: SQL that counts the stored results; None: they are in Redis. It takes about two seconds for
    `quick_jobs` and twenty for `jobs`; longer runs gave the same rate."""

    name: str
    order: list[str]
    work: list[list[str]]
    recorded: str | None
    settings: str
    quick_jobs: int
    node: bool = False

    @property
    def jobs(self) -> int:
        return 10 * self.quick_jobs

    def drained(self, session: Session, count: int) -> float:
        """Jobs a second of one drain, with its own database, queue and Redis."""
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            target = stack.enter_context(Target())
            env = stack.enter_context(place(session, target, self, folder))
            finish(Running("order", [*self.order, str(count)], env, folder), ORDER_SECONDS)
            for number, command in enumerate(self.work):
                stack.enter_context(killed(Running(f"{self.name}-{number}".replace(" ", "-"), command, env, folder)))
            jobs_per_s = target.await_arrivals(count, 30 + count / SLOWEST)
            wait_until(lambda: self._stored(env) >= count, 60, f"the results of {self.name}", pause_seconds=0.2)
            target.assert_arrivals(count)
        return jobs_per_s

    def _stored(self, env: Env) -> int:
        if self.recorded is None:
            return Redis.size(int(env["PEER_REDIS_PORT"]), "bull:deliver:completed")
        with psycopg.connect(env["PEER_DATABASE_URL"]) as connection:
            return connection.execute(self.recorded).fetchone()[0]  # type: ignore[call-overload,index]


@contextlib.contextmanager
def place(session: Session, target: Target, peer: Peer, folder: Path) -> Iterator[Env]:
    """The environment of one drain; its database, queues and Redis are gone at the end."""
    name = f"bench_peer_{uuid.uuid4().hex[:12]}"
    database_url = f"{POSTGRES_URL.rpartition('/')[0]}/{name}"
    env = dict(os.environ) | {"PEER_DATABASE_URL": database_url, "PEER_BROKER_URL": RABBITMQ_URL}
    env |= {
        "PEER_QUEUE": name,
        "PEER_URL": target.url("/ok"),
        "PYTHONPATH": str(FOLDER),
        "NODE_PATH": str(NODE_MODULES),
    }
    with contextlib.ExitStack() as stack:
        if peer.recorded is None:
            env["PEER_REDIS_PORT"] = str(stack.enter_context(Redis(folder)).port)
        else:
            administer(f"CREATE DATABASE {name}", POSTGRES_URL)
            stack.callback(administer, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", POSTGRES_URL)
            stack.callback(session.broker.delete_queues, name)
            administer(TABLES, database_url)
        yield env


def administer(statement: str, url: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def finish(running: Running, limit_seconds: float) -> None:
    """Wait for a process to end by itself."""
    with killed(running):
        wait_until(lambda: running.ended, limit_seconds, f"the end of {running.name}", pause_seconds=0.1)
        assert running.stop() == 0, f"ordering failed:\n{running.log()[-2000:]}"


@contextlib.contextmanager
def killed(running: Running) -> Iterator[None]:
    """End the workers after the block, when all results are stored and counted."""
    try:
        yield
    finally:
        running.kill()
