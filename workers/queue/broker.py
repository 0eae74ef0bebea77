"""Makes the broker that the settings name, sets its limits on waiting, and checks that it can be reached."""

import logging
import time
from collections.abc import Sequence
from copy import copy
from typing import Any

import dramatiq
import pika
from dramatiq.broker import Consumer
from dramatiq.brokers import rabbitmq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name, xq_name
from dramatiq.errors import ConnectionClosed
from dramatiq.middleware import Middleware
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from runtime.settings import Settings
from workers.queue import tls
from workers.queue.nodes import Node, parameters

log = logging.getLogger("booper.broker")
QUORUM = "quorum"
DELAYED_POLL_MS = 50  # how often a worker looks for delayed messages whose time has come
CONSUMER_HEARTBEAT_S = 2
PUBLISHER_HEARTBEAT_S = 5  # of the ticker: pika gives a silent RabbitMQ up 10 to 20 s later
QUICK_FAILURE_S = 1.0
IDLE_POLL_MS = 1000  # the arrival of a message wakes the consumers of the other queues
ADVICE = {
    "PRECONDITION_FAILED": (
        "; a queue of this name was declared with other arguments: delete the queues of BOOPER_QUEUE_PREFIX "
        "(no job is lost), or choose another prefix"
    ),
    "ACCESS_REFUSED": "; the user needs the rights configure, write and read on the queues of BOOPER_QUEUE_PREFIX",
}


# Dramatiq would try six times, each for as long as RabbitMQ blocks publishers or is silent.
rabbitmq.MAX_ENQUEUE_ATTEMPTS = rabbitmq.MAX_DECLARE_ATTEMPTS = 1


class Rabbitmq(RabbitmqBroker):
    """RabbitMQ with limits: a publish gives up soon, and RabbitMQ notices soon that a consumer has vanished.
    `nodes`: how each is reached. `queue_type`: classic or quorum, for every queue that it declares."""

    def __init__(self, nodes: list[Node], queue_type: str = "classic", **options: Any) -> None:
        super().__init__(**options)
        self.parameters, self.queue_type = nodes, queue_type

    def _build_queue_arguments(self, queue_name: str) -> dict[str, Any]:
        return super()._build_queue_arguments(queue_name) | self._type_argument()

    def _declare_xq_queue(self, queue_name: str) -> Any:
        arguments = {"x-message-ttl": rabbitmq.DEAD_MESSAGE_TTL} | self._type_argument()
        return self.channel.queue_declare(queue=xq_name(queue_name), durable=True, arguments=arguments)

    def _type_argument(self) -> dict[str, str]:
        """Nothing for classic ones: a virtual host may have another default, and queues declared before have none."""
        return {"x-queue-type": QUORUM} if self.queue_type == QUORUM else {}

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Publish. Tries again where the first try failed quickly: RabbitMQ had closed the connection, or the queue was
        gone."""
        began_s = time.monotonic()
        try:
            return super().enqueue(message, delay=delay)
        except ConnectionClosed:
            if time.monotonic() - began_s > QUICK_FAILURE_S:
                raise
        return super().enqueue(message, delay=delay)

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        """Poll often only for the consumers of the delay queue: each poll costs idle CPU."""
        is_delay_queue = queue_name == dq_name(queue_name)
        self.declare_queue(queue_name, ensure=True)
        try:
            poll_ms = timeout if is_delay_queue else IDLE_POLL_MS
            return self.consumer_class(ForConsumers(self), queue_name, prefetch, poll_ms)
        except (AMQPConnectorException, OSError) as error:
            raise ConnectionClosed(error) from None

    @property
    def connection(self) -> pika.BlockingConnection:
        """This thread's connection. Where RabbitMQ accepts one and is silent, and where TLS fails, pika raises
        errors of another kind."""
        try:
            return super().connection
        except (AMQPConnectorException, OSError) as error:
            raise pika.exceptions.AMQPConnectionError(repr(error)) from None

    @connection.deleter
    def connection(self) -> None:
        RabbitmqBroker.connection.fdel(self)  # type: ignore[attr-defined]


class ForConsumers:
    """What a consumer needs of its broker, with a short heartbeat: RabbitMQ goes on delivering to a host that has
    vanished until it misses two or three. The connections that publish are idle for longer."""

    def __init__(self, broker: Rabbitmq) -> None:
        self.parameters = with_limits(broker, heartbeat=CONSUMER_HEARTBEAT_S)
        self.queues_pending = broker.queues_pending


def with_limits(broker: dramatiq.Broker, **limits: int) -> list[pika.ConnectionParameters]:
    """The parameters of the broker's connections, with these limits."""
    changed = [copy(each) for each in broker.parameters]  # type: ignore[attr-defined]
    for each in changed:
        for name, value in limits.items():
            setattr(each, name, value)
    return changed


def make_broker(
    settings: Settings, middleware: Sequence[Middleware] = (), heartbeat_s: int | None = None
) -> dramatiq.Broker:
    """The broker of the settings, without Dramatiq's own retries: the rows of jobs hold the retries. `heartbeat_s`: of
    its connections, if the URL sets none."""
    if settings.embedded:
        return StubBroker(middleware=list(middleware))
    nodes = parameters(settings, heartbeat_s)
    return Rabbitmq(nodes, settings.queue_type, confirm_delivery=True, middleware=list(middleware))


def queue_name(settings: Settings) -> str:
    """The queue of all our messages; Dramatiq adds `.DQ` (delayed) and `.XQ` (dead) to it."""
    return f"{settings.queue_prefix}.deliver"


def reachable(broker: dramatiq.Broker) -> bool:
    """Whether the broker accepts a connection right now."""
    if isinstance(broker, StubBroker):
        return True
    try:
        pika.BlockingConnection(with_limits(broker, socket_timeout=2, stack_timeout=3)).close()
    except (pika.exceptions.AMQPError, AMQPConnectorException, OSError):
        return False
    return True


def advice(error: Exception) -> str:
    """What the operator can do about an error that does not pass by itself; empty for others."""
    known = tls.advice(error)
    return f"; {known}" if known else next((text for mark, text in ADVICE.items() if mark in repr(error)), "")


def keep_alive(broker: dramatiq.Broker) -> None:
    """Answer RabbitMQ's heartbeats on this thread's publishing connection, which RabbitMQ would close otherwise."""
    connection = getattr(getattr(broker, "state", None), "connection", None)
    if connection is None:
        return
    try:
        connection.process_data_events()
    except (pika.exceptions.AMQPError, OSError, ValueError) as error:
        # The next message opens a new one.
        log.warning("RabbitMQ closed the publishing connection: %r", error)
        del broker.connection  # type: ignore[attr-defined]
