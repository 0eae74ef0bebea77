"""Makes the broker that the settings name, sets its limits on waiting, and checks that it can be reached."""

import logging
from collections.abc import Sequence

import dramatiq
import pika
from dramatiq.broker import Consumer
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name
from dramatiq.middleware import Middleware

from runtime.settings import Settings

log = logging.getLogger("booper.broker")
CLUSTER_SEPARATOR = ";"
DELAYED_POLL_MS = 50  # how often a worker looks for delayed messages whose time has come
IDLE_POLL_MS = 1000  # the arrival of a message wakes the consumers of the other queues
BROKER_OPTIONS = {
    "heartbeat": "30",
    "blocked_connection_timeout": "10",
    "socket_timeout": "5",
    "stack_timeout": "10",
    "connection_attempts": "1",
}


class Rabbitmq(RabbitmqBroker):
    """Polls often only for the consumers of the delay queue: each poll costs idle CPU."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        is_delay_queue = queue_name == dq_name(queue_name)
        return super().consume(queue_name, prefetch, timeout if is_delay_queue else IDLE_POLL_MS)


def make_broker(settings: Settings, middleware: Sequence[Middleware] = ()) -> dramatiq.Broker:
    """The broker of the settings, without Dramatiq's own retries: the rows of jobs hold the retries."""
    if settings.embedded:
        return StubBroker(middleware=list(middleware))
    urls = [with_options(url) for url in settings.broker_url.split(CLUSTER_SEPARATOR)]
    return Rabbitmq(url=urls, confirm_delivery=True, middleware=list(middleware))


def with_options(url: str) -> str:
    """The URL with our limits on waiting, unless it sets its own."""
    base, _, query = url.partition("?")
    own = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    return base + "?" + "&".join(f"{name}={value}" for name, value in {**BROKER_OPTIONS, **own}.items())


def url_problem(urls: str) -> str | None:
    """What is wrong with the URLs of RabbitMQ, in words without a password; None: nothing."""
    for url in urls.split(CLUSTER_SEPARATOR):
        try:
            pika.URLParameters(with_options(url))
        except ValueError as error:
            text = str(error)
            # Other messages quote parts of the URL, and with it the password.
            return text if text.startswith(("Unknown URL parameter", "Invalid ")) else "something can't be parsed"
    return None


def queue_name(settings: Settings) -> str:
    """The queue of all our messages; Dramatiq adds `.DQ` (delayed) and `.XQ` (dead) to it."""
    return f"{settings.queue_prefix}.deliver"


def reachable(broker: dramatiq.Broker) -> bool:
    """Whether the broker accepts a connection right now."""
    if isinstance(broker, StubBroker):
        return True
    try:
        pika.BlockingConnection(broker.parameters).close()  # type: ignore[attr-defined]
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True


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
