"""RabbitMQ as a journey needs it: its queues looked at and purged, and a node of our own that may be stopped.

Owns AMQP and rabbitmqctl for the tests. A stopped broker would break everybody who shares the machine's, so the
outage happens to a private node: own name, own ports, own directory, ended by its process group.
"""

import contextlib
import json
import os
import subprocess
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import pika
from pika.adapters.blocking_connection import BlockingChannel

from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
CONTROL_SECONDS = 60
START_SECONDS = 60


class Broker:
    """A RabbitMQ and the command that controls it."""

    def __init__(self, url: str, control: list[str], env: dict[str, str] | None = None) -> None:
        self.url, self._control, self._env = url, control, env

    def control(self, *arguments: str) -> str:
        """One rabbitmqctl command to its end; its standard output. Raises OSError when it fails."""
        done = subprocess.run(
            [*self._control, *arguments],
            env=self._env,
            capture_output=True,
            text=True,
            timeout=CONTROL_SECONDS,
        )
        if done.returncode != 0:
            raise OSError(f"rabbitmqctl {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def queues(self, prefix: str) -> dict[str, int]:
        """How many messages, delivered or not, each queue holds whose name starts so."""
        answer = self.control("list_queues", "--quiet", "--formatter", "json", "name", "messages")
        return {row["name"]: row["messages"] for row in json.loads(answer) if row["name"].startswith(prefix)}

    def purge(self, names: list[str]) -> int:
        """Throw away every message that waits in these queues; how many (what `rabbitmqctl purge_queue` does)."""
        with self.channel() as channel:
            return sum(channel.queue_purge(name).method.message_count for name in names)

    def waiting(self, names: list[str]) -> int:
        """How many messages of these queues no consumer holds."""
        with self.channel() as channel:
            return sum(channel.queue_declare(name, passive=True).method.message_count for name in names)

    def delete(self, names: Iterable[str]) -> None:
        """Delete those of these queues that are there."""
        with self.channel() as channel:
            for name in names:
                channel.queue_delete(name)

    def delete_queues(self, prefix: str) -> None:
        """Delete every queue whose name starts so."""
        self.delete(self.queues(prefix))

    @contextlib.contextmanager
    def channel(self) -> Iterator[BlockingChannel]:
        parameters = pika.URLParameters(self.url)
        parameters.socket_timeout = parameters.blocked_connection_timeout = 10
        with contextlib.closing(pika.BlockingConnection(parameters)) as connection:
            yield connection.channel()


class PrivateNode:
    """A RabbitMQ node for one test; a context that ends it. Raises OSError where no RabbitMQ is installed.
    `configuration`: lines of rabbitmq.conf."""

    def __init__(self, folder: Path, configuration: str = "") -> None:
        if not (PROGRAMS / "rabbitmq-server").exists():
            raise OSError(f"no rabbitmq-server in {PROGRAMS}")
        name, port = f"booper_{uuid.uuid4().hex[:8]}@localhost", free_port()
        env = node_environment(folder, name, port)
        Path(env["RABBITMQ_CONFIG_FILE"]).write_text(configuration)
        self.broker = Broker(
            f"amqp://guest:guest@127.0.0.1:{port}", [str(PROGRAMS / "rabbitmqctl"), "--node", name], env
        )
        self._server = Running("rabbitmq", [str(PROGRAMS / "rabbitmq-server")], env, folder)

    def __enter__(self) -> Self:
        try:
            wait_until(self._answers, START_SECONDS, f"RabbitMQ:\n{self._server.log()}", pause_seconds=0.5)
        except BaseException:
            self._server.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """RabbitMQ stopped for as long as the block lasts; started again whatever happens in it."""
        self.broker.control("stop_app")
        try:
            yield
        finally:
            self.broker.control("start_app")

    def _answers(self) -> bool:
        with contextlib.suppress(pika.exceptions.AMQPError, OSError), self.broker.channel():
            return True
        return False


def node_environment(folder: Path, name: str, port: int) -> dict[str, str]:
    """The settings of a node that shares nothing with the machine's own."""
    loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
    return os.environ | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder / "rabbitmq-log"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "no-plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }


def shared_broker(url: str) -> Broker:
    """The RabbitMQ of this machine. Raises OSError or AMQPError when it can't be used."""
    broker = Broker(url, ["rabbitmqctl"])
    broker.queues("-")
    with broker.channel():
        return broker
