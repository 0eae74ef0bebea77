"""Booper in two versions on one database and one RabbitMQ: two APIs behind nginx and two workers.

The program of the last release is the one that BOOPER_TEST_LAST_RELEASE names; `make upgrade` installs it.
"""

import contextlib
import http.client
import os
import subprocess
from pathlib import Path

from tests.support.faults.asking import FaultClient
from tests.support.faults.nginx import Nginx
from tests.support.journeys.broker import Broker
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running, descendants
from tests.support.journeys.product import BOOPER, STOP_SECONDS, Production, status_of
from tests.support.waiting import wait_until

LAST = os.environ.get("BOOPER_TEST_LAST_RELEASE", "")
PROGRAMS = {"last": LAST, "this": BOOPER}
APIS, WORKERS = ("api-1", "api-2"), ("worker-1", "worker-2")
FIELDS = {"backoff": {"fixed": 1}}
START_SECONDS = 60


class TwoVersions(Production):
    """Starts everything in the version `first` ("last" or "this"), on the schema of that version."""

    def __init__(self, folder: Path, postgres_url: str, broker: Broker, first: str) -> None:
        few = {"BOOPER_API_PROCESSES": "1", "BOOPER_WORKER_PROCESSES": "1"}
        super().__init__(folder, postgres_url, broker, **few)
        self.first = first
        self.ports = {name: free_port() for name in APIS}
        self.nginx = Nginx(folder, list(self.ports.values()))
        self.port = self.nginx.port
        self.versions_that_sent: set[str] = set()
        self._before_it = contextlib.ExitStack()

    def prepare(self) -> None:
        self._admin(f"CREATE DATABASE {self.name}")
        self.migrate(self.first)
        self.key = self.booper("keys", "create", "--account", "journeys", "--name", "journey")
        self.other_key = self.booper("keys", "create", "--account", "schedules", "--name", "journey")

    def start(self) -> None:
        for name in (*APIS, *WORKERS):
            self.run(name, self.first)
        self._before_it.enter_context(self.nginx)
        self.await_ready()

    def close(self) -> None:
        self._before_it.close()
        super().close()

    def client(self, receiver_port: int = 0) -> FaultClient:
        return FaultClient(self.port, self.key, receiver_port, FIELDS)

    def booper(self, *arguments: str) -> str:
        return self.command(self.first, *arguments)

    def command(self, version: str, *arguments: str) -> str:
        """One command of one version to its end; its standard output."""
        done = subprocess.run(
            [PROGRAMS[version], *arguments], env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"booper {arguments} of {version} ended with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def migrate(self, version: str) -> None:
        self.command(version, "migrate")

    def run(self, name: str, version: str) -> None:
        """Start one process in a version, and wait until it takes its part."""
        env = self.env | {"PORT": str(self.ports.get(name, self.port))}
        self.processes[name] = Running(name, [PROGRAMS[version], name.partition("-")[0]], env, self.folder)
        wait_until(lambda: self._takes_part(name), START_SECONDS, f"{name} of the version {version}", 0.1)

    def replace(self, name: str, version: str) -> None:
        """Stop one process as an operator does, and start it in another version."""
        assert self.processes[name].stop(STOP_SECONDS) == 0, f"{name} ended badly:\n{self.processes[name].log()}"
        self.run(name, version)

    def _takes_part(self, name: str) -> bool:
        running = self.processes[name]
        assert not running.ended, f"{name} ended by itself:\n{running.log()[-4000:]}"
        return self._answers(name) if name in self.ports else self._sends(running.pid)

    def _answers(self, name: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return status_of(self.ports[name], "/healthz") == 200
        return False

    def _sends(self, supervisor: int) -> bool:
        """Whether a process below this one has left a sign of life."""
        known = dict(self.sql("SELECT pid, version FROM worker"))
        ours = known.keys() & set(descendants(supervisor))
        self.versions_that_sent |= {known[pid] for pid in ours}
        return bool(ours)
