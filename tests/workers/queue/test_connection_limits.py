"""The limits of each connection to RabbitMQ, which are those of no other, and that none stays open unused."""

import pika
import pytest

from runtime import settings
from workers.queue import broker as brokers
from workers.queue import inspection
from workers.queue.broker import ForConsumers, make_broker, reachable

URL = "amqp://a;amqp://b?heartbeat=9"
NAMES = ("heartbeat", "socket_timeout", "stack_timeout", "blocked_connection_timeout")


def limits(nodes):
    """The limits of the connections to these nodes, in the order of NAMES."""
    return [tuple(getattr(node, name) for name in NAMES) for node in nodes]


@pytest.fixture
def broker():
    """RabbitMQ with two nodes, the second with a heartbeat of its own. Nobody connects."""
    return make_broker(settings.load({"BOOPER_BROKER_URL": URL}))


class Opened:
    """Keeps the limits of what is opened, and what was done with it; `error`: what a channel fails with."""

    def __init__(self, error=None):
        self.limits, self.closed, self._error = [], 0, error

    def __call__(self, nodes):
        self.limits += limits(nodes if isinstance(nodes, list) else [nodes])
        return self

    def channel(self):
        raise self._error

    def close(self):
        self.closed += 1


def test_a_consumer_has_a_short_heartbeat_and_the_publisher_its_own(broker):
    before = limits(broker.parameters)

    consumers = limits(ForConsumers(broker).parameters)

    assert consumers == [(2, 5, 5, 10), (2, 5, 5, 10)]
    assert limits(broker.parameters) == before == [(30, 5, 5, 10), (9, 5, 5, 10)]


def test_a_look_whether_the_broker_is_there_is_short_and_leaves_nothing_open(broker, monkeypatch):
    opened, before = Opened(), limits(broker.parameters)
    monkeypatch.setattr(brokers.pika, "BlockingConnection", opened)

    assert reachable(broker)

    assert (opened.limits, opened.closed) == ([(30, 2, 3, 10), (9, 2, 3, 10)], 1)
    assert limits(broker.parameters) == before


def test_a_look_whether_it_takes_a_message_is_short_and_leaves_nothing_open(broker, monkeypatch):
    opened, node = Opened(pika.exceptions.ChannelClosed(404, "gone")), broker.parameters[0]
    monkeypatch.setattr(inspection.pika, "BlockingConnection", opened)

    with pytest.raises(inspection.Unusable):
        inspection.publish_once(node, "booper")

    assert (opened.limits, opened.closed) == ([(30, 3, 4, 3)], 1)
    assert limits([node]) == [(30, 5, 5, 10)]
