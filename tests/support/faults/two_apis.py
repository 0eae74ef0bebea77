"""Two APIs on one database and one RabbitMQ, for a proxy in front of them."""

import contextlib

from tests.support.faults.faulty_product import FaultyProduction
from tests.support.journeys.ports import free_port
from tests.support.journeys.processes import Running
from tests.support.journeys.product import BOOPER, status_of
from tests.support.waiting import wait_until


class TwoApis(FaultyProduction):
    """Two APIs at `ports`, and a worker."""

    def prepare(self) -> None:
        super().prepare()
        self.ports = [free_port(), free_port()]

    def start(self) -> None:
        for number in range(2):
            self.start_api(number)
        self.launch("worker")
        for port in self.ports:
            wait_until(lambda port=port: ready(port), 60, "an API to be ready", 0.2)

    def start_api(self, number: int) -> None:
        env = self.env | {"PORT": str(self.ports[number])}
        self.processes[f"api-{number}"] = Running(f"api-{number}", [BOOPER, "api"], env, self.folder)


def ready(port: int) -> bool:
    with contextlib.suppress(OSError):
        return status_of(port, "/readyz") == 200
    return False
