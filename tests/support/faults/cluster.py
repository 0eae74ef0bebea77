"""A PostgreSQL cluster for one test module: own directory, own port, ended and removed with its context.

It is made by the machine's programs; root's go through the user postgres, since initdb refuses root.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psycopg

from tests.support.journeys.ports import free_port
from tests.support.waiting import wait_until

VERSIONS = Path("/usr/lib/postgresql")
CONNECTIONS = 100
LIMIT_SECONDS = 60


class Cluster:
    """Raises OSError where PostgreSQL's programs are not installed."""

    def __init__(self) -> None:
        folders = sorted(VERSIONS.glob("*/bin"), key=lambda path: int(path.parent.name))
        if not folders:
            raise OSError(f"no PostgreSQL programs in {VERSIONS}")
        self._programs = folders[-1]
        self._folder = Path(tempfile.mkdtemp(prefix="booper-cluster-"))
        self._data = self._folder / "data"
        self._port = free_port()
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def __enter__(self) -> Self:
        try:
            if os.getuid() == 0:
                shutil.chown(self._folder, "postgres", "postgres")
            self._call("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-N", "--no-instructions")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections={CONNECTIONS}"
        options += "".join(f" -c {name}={value}" for name, value in self.options().items())
        self._control("start", "-l", str(self._folder / "log"), "-o", options)

    def options(self) -> dict[str, str]:
        """Further parameters of the server."""
        return {}

    def stop(self, mode: str) -> None:
        """`mode`: fast (clients are cut off) or immediate (as after a crash)."""
        self._control("stop", "-m", mode)

    def kill_backend(self) -> None:
        """SIGKILL to one process that serves Booper; the server then starts all of them anew."""
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'booper' ORDER BY state, pid LIMIT 1"
            ).fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGKILL)
        wait_until(self._answers, LIMIT_SECONDS, "PostgreSQL to answer again")

    @contextlib.contextmanager
    def exhausted(self) -> Iterator[None]:
        """For as long as the block lasts every connection is taken, those of Booper too."""
        with contextlib.ExitStack() as taken:
            hoard: list[psycopg.Connection[Any]] = []
            wait_until(lambda: self._take_all(taken, hoard), LIMIT_SECONDS, "every connection to be taken")
            yield

    def _take_all(self, taken: contextlib.ExitStack, hoard: list[psycopg.Connection[Any]]) -> bool:
        """Whether the hoard has every connection there is; Booper's are cut off and taken."""
        with contextlib.suppress(psycopg.OperationalError):
            while True:
                hoard.append(taken.enter_context(contextlib.closing(psycopg.connect(self.url, connect_timeout=5))))
                hoard[-1].autocommit = True
        others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'booper%'"
        row = hoard[0].execute(others).fetchone()
        assert row is not None
        return row[0] == 0

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=5).close()
            return True
        return False

    def _control(self, *arguments: str) -> None:
        self._call("pg_ctl", "-D", str(self._data), "-w", *arguments)

    def _call(self, program: str, *arguments: str) -> None:
        """One program to its end, as a user that PostgreSQL accepts. Raises OSError when it fails."""
        who = pwd.getpwnam("postgres").pw_uid if os.getuid() == 0 else None
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            user=who,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LIMIT_SECONDS,
        )
        if done.returncode != 0:
            raise OSError(f"{program} {' '.join(arguments)} ended with {done.returncode}")
