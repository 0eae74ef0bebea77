"""Starts a Redis that forces every write to the disk. The machine's own Redis may do otherwise and is not used."""

import subprocess
from pathlib import Path
from typing import Self

from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until

OPTIONS = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"]


class Redis:
    """redis-server on its own port and in its own folder; leaving the context ends it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        command = ["redis-server", "--port", str(self.port), "--dir", str(folder), *OPTIONS]
        self._server = Running("redis", command, {}, folder)

    def __enter__(self) -> Self:
        try:
            wait_until(self._answers, 10, f"Redis:\n{self._server.log()}", pause_seconds=0.1)
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @staticmethod
    def size(port: int, key: str) -> int:
        """The number of members of a sorted set."""
        command = ["redis-cli", "-p", str(port), "ZCARD", key]
        return int(subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout)

    def _answers(self) -> bool:
        command = ["redis-cli", "-p", str(self.port), "PING"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.startswith("PONG")
