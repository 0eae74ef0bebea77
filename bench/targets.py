"""Starts, queries and stops the fast target as a process, like the journeys' receiver."""

import json
import subprocess
import sys
from pathlib import Path

from bench.figures import rate
from tests.support.journeys.processes import ReceiverProcess
from tests.support.waiting import wait_until


class Target(ReceiverProcess):
    """target.py on its own port, with TLS where a file of its certificate is named; leaving the context ends it."""

    def __init__(self, *pem_file: str) -> None:
        script = Path(__file__).with_name("target.py")
        self._popen = subprocess.Popen(
            [sys.executable, "-I", str(script), *pem_file], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._popen.stdout is not None
        self.port = json.loads(self._popen.stdout.readline())["port"]
        self.pid = self._popen.pid

    def forget(self) -> None:
        """Reset the count."""
        self._control("/forget")

    def await_arrivals(self, count: int, limit_seconds: float) -> float:
        """Wait for `count` requests; returns requests a second, from the first to the last."""
        wait_until(lambda: self.arrived() >= count, limit_seconds, f"{count} arrivals", pause_seconds=0.1)
        seen = self.count()
        return rate(seen["arrival"], seen["first_at"], seen["last_at"])

    def assert_arrivals(self, count: int) -> None:
        """Raise AssertionError unless `count` requests arrived; call it when all attempts are recorded."""
        assert self.arrived() == count, f"{count} jobs must arrive once each, got {self.arrived()} requests"
