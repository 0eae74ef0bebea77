"""A RabbitMQ node that may be killed and started again on the same directory."""

from pathlib import Path

from tests.support.journeys.broker import PROGRAMS, START_SECONDS, PrivateNode
from tests.support.journeys.processes import Running
from tests.support.waiting import wait_until


class FragileNode(PrivateNode):
    def __init__(self, folder: Path, configuration: str = "") -> None:
        super().__init__(folder, configuration)
        self.folder = folder

    def kill(self) -> None:
        """SIGKILL to Erlang's machine and all that belongs to it."""
        self._server.kill()

    def start(self) -> None:
        env = self.broker._env
        assert env is not None
        self._server = Running("rabbitmq", [str(PROGRAMS / "rabbitmq-server")], env, self.folder)
        wait_until(self._answers, START_SECONDS, "RabbitMQ to answer again", pause_seconds=0.25)

    def close_connections(self) -> None:
        self.broker.control("close_all_connections", "by the operator")
