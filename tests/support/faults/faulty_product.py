"""Booper for faults: short leases, a worker whose requests may be deadly, more than one worker, one process of many.

Owns the starting and the finding of processes; the rest is support/journeys/product.py.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from tests.support.faults.asking import FaultClient
from tests.support.journeys.broker import Broker
from tests.support.journeys.journey import FEWER_CONNECTIONS
from tests.support.journeys.processes import Running, connected_to, descendants
from tests.support.journeys.product import BOOPER, Embedded, Production
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]
TIMEOUT_SECONDS = 2
MARGIN_SECONDS = 1
LEASE_SECONDS = TIMEOUT_SECONDS + MARGIN_SECONDS
FIELDS = {"timeout": TIMEOUT_SECONDS, "backoff": {"fixed": 1}}
MARGIN = {"BOOPER_LEASE_MARGIN_SECONDS": str(MARGIN_SECONDS)}


class FaultyProduction(Production):
    """Production mode with leases of `LEASE_SECONDS`; `fields` are given with every order."""

    def __init__(
        self, folder: Path, postgres_url: str, broker: Broker, fields: dict[str, Any] | None = None, **settings: str
    ) -> None:
        super().__init__(folder, postgres_url, broker, **(FEWER_CONNECTIONS | MARGIN | settings))
        self.env["PYTHONPATH"] = str(ROOT)
        self.fields = FIELDS if fields is None else fields

    def client(self, receiver_port: int = 0) -> FaultClient:
        return FaultClient(self.port, self.key, receiver_port, self.fields)

    def launch(self, *names: str) -> None:
        """`booper NAME`, but for `worker…`: a worker in which some requests are deadly."""
        for name in names:
            deadly = [sys.executable, "-m", "tests.support.faults.worker"]
            command = deadly if name.startswith("worker") else [BOOPER, name]
            self.processes[name] = Running(name, command, self.env, self.folder)

    def senders(self, receiver_port: int, worker: str = "worker") -> list[int]:
        """The processes of a worker that have a connection to the receiver open."""
        below = descendants(self.processes[worker].pid)
        return wait_until(lambda: connected_to(receiver_port, below), 60, "a process that sends")

    def await_queues(self) -> None:
        """A message published by hand before a worker has made its queue would vanish."""
        wait_until(lambda: f"{self.name}.deliver" in self.broker.queues(self.name), 60, "the queue", 0.25)

    def executing(self) -> int:
        """How many jobs are claimed."""
        return self.sql("SELECT count(*) FROM job WHERE state = 'executing'")[0][0]

    def freeze(self, pid: int) -> int:
        """SIGSTOP to a process; how many jobs are claimed afterwards, by it and by others."""
        os.kill(pid, signal.SIGSTOP)
        return self.executing()


class FaultyEmbedded(Embedded):
    """Embedded mode; `fields` are given with every order."""

    def client(self, receiver_port: int = 0) -> FaultClient:
        return FaultClient(self.port, self.key, receiver_port, FIELDS)
