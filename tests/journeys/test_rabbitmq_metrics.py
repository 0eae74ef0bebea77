"""RabbitMQ's own names: what the alerts and the dashboard ask of it, a real node with its plugin shows."""

import contextlib
import http.client

import pytest

from tests.support.journeys.broker import PROGRAMS, PrivateNode
from tests.support.journeys.ports import free_port
from tests.support.rabbitmq_metrics import OF_RABBITMQ
from tests.support.services import unavailable

QUEUES = ("booper.deliver", "booper.deliver.DQ", "booper.deliver.XQ")
PATH = "/metrics/detailed?family=queue_coarse_metrics&family=queue_consumer_count"


@pytest.fixture
def metrics_port(tmp_path, monkeypatch):
    """The port at which a node of this test's own shows its metrics."""
    if not (PROGRAMS / "rabbitmq-server").exists():
        unavailable("a RabbitMQ node of our own", f"no rabbitmq-server in {PROGRAMS}")
    port = free_port()
    (tmp_path / "no-plugins").write_text("[rabbitmq_prometheus].\n")
    with PrivateNode(tmp_path, f"prometheus.tcp.port = {port}\nprometheus.tcp.ip = 127.0.0.1\n") as node:
        with node.broker.channel() as channel:
            for queue in QUEUES:
                channel.queue_declare(queue, durable=True)
        yield port


def metrics_page(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", PATH)
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read().decode()


def test_rabbitmq_has_what_the_alerts_and_the_dashboard_ask_of_it(metrics_port):
    text = metrics_page(metrics_port)
    for name, labels in OF_RABBITMQ.items():
        lines = [line for line in text.splitlines() if line.startswith(name + "{")]
        for queue in QUEUES:
            assert [line for line in lines if f'queue="{queue}"' in line], f"{name} of {queue} in {text[:2000]}"
        assert all(f"{label}=" in line for label in labels for line in lines)
