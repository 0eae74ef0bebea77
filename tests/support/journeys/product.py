"""Booper as an operator starts it: processes, settings by environment, a database and queues of its own.

Owns the two ways of starting (Embedded, Production), the stopping of both, and what only the outside can see of
them: logs, readiness, the database. It calls the installed `booper` command and imports nothing of the product.
"""

import contextlib
import http.client
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support.journeys.broker import Broker
from tests.support.journeys.client import Client
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running, command_of, descendants
from tests.support.journeys.templates import Template, template
from tests.support.waiting import wait_until

BOOPER = str(Path(sys.executable).with_name("booper"))
READY_SECONDS = 60
STOP_SECONDS = 40  # more than the grace Booper gives requests under way
DEMO_KEY = "sk_public_20230921"
# UUIDs of version 7, as the API makes them: rows made together lie together in the index.
NEW_UUID_OF_POSTGRESQL = (
    "CAST(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || "
    "substr(md5(random()::text), 1, 3) || 'a' || substr(md5(random()::text), 1, 15) AS uuid)"
)
MS_OF_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
NEW_UUID_OF_SQLITE = (
    f"lower(printf('%08x-%04x-7', {MS_OF_SQLITE} >> 16, {MS_OF_SQLITE} & 65535) || substr(hex(randomblob(2)), 2) || "
    "'-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
)


def environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's environment with these settings and no other of Booper's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOOPER_")}
    return kept | {"PORT": str(free_port()), "BOOPER_HOST": "127.0.0.1"} | settings


class Product:
    """What both modes share; a context that starts it and leaves nothing behind."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.env = environment(settings)
        self.port = int(self.env["PORT"])
        self.processes: dict[str, Running] = {}
        self.key = DEMO_KEY

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self) -> None:
        """What has to be there before the first process."""

    def start(self) -> None:
        raise NotImplementedError

    def stop(self) -> dict[str, int | None]:
        """Tell every process to stop, as an operator would; the exit statuses, None for one that had to be killed."""
        return self.stop_by(Running.tell_to_stop)

    def stop_by(self, tell: Callable[[Running], None]) -> dict[str, int | None]:
        """The same, each process told by `tell`."""
        for running in self.processes.values():
            tell(running)
        return {name: running.stop(STOP_SECONDS) for name, running in self.processes.items()}

    def close(self) -> None:
        for running in self.processes.values():
            running.kill()

    def launch(self, *names: str) -> None:
        """Start `booper NAME` for each name."""
        for name in names:
            self.processes[name] = Running(name, [BOOPER, name], self.env, self.folder)

    def booper(self, *arguments: str, **settings: str) -> str:
        """One `booper` command to its end, with these settings beside the product's; its standard output."""
        env = self.env | settings
        done = subprocess.run(
            [BOOPER, *arguments], env=env, cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, f"booper {arguments} ended with {done.returncode}: {done.stderr}"
        return done.stdout.strip()

    def client(self, receiver_port: int = 0) -> Client:
        return Client(self.port, self.key, receiver_port)

    def await_ready(self, limit_seconds: float = READY_SECONDS) -> None:
        wait_until(self._ready_or_dead, limit_seconds, "200 from /readyz", pause_seconds=0.1)

    def pids(self) -> list[int]:
        """Every process of the product."""
        return [pid for running in self.processes.values() for pid in [running.pid, *descendants(running.pid)]]

    def log(self) -> str:
        """The end of what every process wrote."""
        return "\n".join(f"--- {name}\n{running.log()[-4000:]}" for name, running in self.processes.items())

    def _ready_or_dead(self) -> bool:
        for running in self.processes.values():
            assert not running.ended, f"booper {running.name} ended by itself:\n{running.log()[-4000:]}"
        with contextlib.suppress(OSError, http.client.HTTPException):
            return status_of(self.port, "/readyz") == 200
        return False


class Embedded(Product):
    """`booper serve`: everything in one process, on SQLite in `folder`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.database_path = folder / "booper.db"
        super().__init__(folder, {"BOOPER_DATABASE_URL": f"sqlite:///{self.database_path}"} | settings)

    def start(self) -> None:
        self.launch("serve")
        self.await_ready()

    def sql(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """One statement on the product's database, committed."""
        with contextlib.closing(sqlite3.connect(self.database_path, timeout=30)) as connection, connection:
            return connection.execute(statement.replace("%s", "?"), parameters).fetchall()

    def copy_job(self, job_id: int, nonce: str, count: int, state: str, first_due_at: int) -> None:
        """`count` copies of one row, due a microsecond apart, with nonces `<nonce>-1`, `<nonce>-2`, …"""
        numbers = "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < %s)"
        columns = [row[1] for row in self.sql("PRAGMA table_info(job)")]
        into, select = copy_statement(columns, NEW_UUID_OF_SQLITE)
        self.sql(
            f"{numbers} {into} {select} FROM job, g WHERE job.id = %s",
            (count, nonce, f"{nonce}-", first_due_at, state, job_id),
        )


class Production(Product):
    """`booper api` and `booper worker` on a PostgreSQL database and a queue prefix of their own."""

    def __init__(self, folder: Path, postgres_url: str, broker: Broker, **settings: str) -> None:
        self.name = f"booper_journey_{uuid.uuid4().hex[:12]}"
        self.admin_url, self.broker = postgres_url, broker
        self.database_url = self._url_of(self.name)
        own = {
            "BOOPER_DATABASE_URL": self.database_url,
            "BOOPER_BROKER_URL": broker.url,
            "BOOPER_QUEUE_PREFIX": self.name,
            "BOOPER_TARGET_ALLOW": "127.0.0.0/8",
            "BOOPER_ALLOW_HTTP": "1",
        }
        super().__init__(folder, own | settings)

    def prepare(self) -> None:
        copied = template(self.admin_url, BOOPER, self._make_template, self._drop)
        self._admin(f"CREATE DATABASE {self.name} TEMPLATE {copied.name}")
        self.key = copied.key

    def start(self) -> None:
        self.launch("api", "worker")
        self.await_ready()

    def close(self) -> None:
        super().close()
        self._drop(self.name)
        self.broker.delete(self.queues)

    @property
    def queues(self) -> list[str]:
        """The names of all its queues."""
        return [f"{self.name}.deliver{which}" for which in ("", ".DQ", ".XQ")]

    def sql(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """One statement on the product's database, committed."""
        with connected(self.database_url) as connection:
            cursor = connection.execute(statement, parameters)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def copy_job(self, job_id: int, nonce: str, count: int, state: str, first_due_at: int) -> None:
        """`count` copies of one row, due a microsecond apart, with nonces `<nonce>-1`, `<nonce>-2`, …"""
        columns = self.sql("SELECT column_name FROM information_schema.columns WHERE table_name = 'job'")
        into, select = copy_statement([row[0] for row in columns], NEW_UUID_OF_POSTGRESQL)
        self.sql(
            f"{into} {select} FROM job, generate_series(1, %s) AS g(n) WHERE job.id = %s",
            (nonce, f"{nonce}-", first_due_at, state, count, job_id),
        )

    def ticker(self, worker: str = "worker", other_than: int = 0) -> int:
        """The ticker's process below a worker."""

        def tickers() -> list[int]:
            return [
                pid
                for pid in descendants(self.processes[worker].pid)
                if pid != other_than and command_of(pid)[-1:] == ["ticker"]
            ]

        return wait_until(tickers, 60, "a ticker")[0]

    def _make_template(self) -> Template:
        name = f"{self.name}_template"
        own = {"BOOPER_DATABASE_URL": self._url_of(name)}
        self._admin(f"CREATE DATABASE {name}")
        self.booper("migrate", **own)
        return Template(name, self.booper("keys", "create", "--account", "journeys", "--name", "journey", **own))

    def _url_of(self, name: str) -> str:
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{name}"))

    def _drop(self, name: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        with connected(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def connected(url: str, autocommit: bool = False) -> psycopg.Connection[Any]:
    """A connection; where other runs hold all that the server has, as soon as one of them gives one back."""

    def attempt() -> psycopg.Connection[Any] | None:
        try:
            return psycopg.connect(url, autocommit=autocommit, connect_timeout=5)
        except psycopg.OperationalError as error:
            if "too many clients" not in str(error):
                raise
            return None

    return wait_until(attempt, what="a connection to PostgreSQL")


def copy_statement(columns: list[str], new_uuid: str) -> tuple[str, str]:
    """INSERT and SELECT that copy a job; parameters: nonce, start of the new nonces, first due instant, state."""
    changed = {
        "uuid": new_uuid,
        "args": "replace(args, %s, CAST(%s AS TEXT) || n)",
        "scheduled_at": "CAST(%s AS BIGINT) + n",
        "state": "CAST(%s AS TEXT)",
    }
    kept = [name for name in columns if name not in ("id", *changed)]
    names = ", ".join([*changed, *kept])
    return f"INSERT INTO job ({names})", f"SELECT {', '.join([*changed.values(), *kept])}"


def status_of(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status
