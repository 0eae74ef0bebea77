"""Owns the broker: which one the settings ask for, its queue, and the two actors on it.

An actor is called with JSON alone; messages are never pickled.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import dramatiq
import pika
from dramatiq.broker import Consumer
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name
from dramatiq.errors import BrokerError
from dramatiq.middleware import Middleware

from models.jobs.job_ref import JobRef, Wire
from models.operations.heartbeats import Depths
from models.rules import clock
from runtime import metrics, tracing
from runtime.settings import Settings
from workers.queue.depths import measured

log = logging.getLogger("booper.broker")
DELAYED_POLL_MS = 50  # how often a worker looks for delayed messages to let go
LEAD_US = 60 * clock.MILLISECOND  # a delayed message is let go this much early; the deliver actor waits for the rest
IDLE_LOOK_MS = 1000  # consumers of other queues are woken by a message's arrival
LATER = 10  # Dramatiq's priority of follow-ups; 0 is that of the others, the lower goes first
BROKER_OPTIONS = {
    "heartbeat": "30",
    "blocked_connection_timeout": "10",
    "socket_timeout": "5",
    "stack_timeout": "10",
    "connection_attempts": "1",
}


class Rabbitmq(RabbitmqBroker):
    """Lets only the delay queue's consumers look around often: each look costs idle CPU."""

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        often = queue_name == dq_name(queue_name)
        return super().consume(queue_name, prefetch, timeout if often else IDLE_LOOK_MS)


def make_broker(settings: Settings, middleware: Sequence[Middleware] = ()) -> dramatiq.Broker:
    """The broker of the settings. No retries of Dramatiq's own: retries live in our rows."""
    if settings.embedded:
        return StubBroker(middleware=list(middleware))
    urls = [with_options(url) for url in settings.broker_url.split(";")]
    return Rabbitmq(url=urls, confirm_delivery=True, middleware=list(middleware))


def with_options(url: str) -> str:
    """The URL with our limits on waiting, unless it sets its own."""
    base, _, query = url.partition("?")
    given = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    return base + "?" + "&".join(f"{name}={value}" for name, value in {**BROKER_OPTIONS, **given}.items())


def reachable(broker: dramatiq.Broker) -> bool:
    """Whether the broker takes a connection right now."""
    if isinstance(broker, StubBroker):
        return True
    try:
        pika.BlockingConnection(broker.parameters).close()  # type: ignore[attr-defined]
    except (pika.exceptions.AMQPError, OSError):
        return False
    return True


def queue_name(settings: Settings) -> str:
    """The queue of deliver and probe messages; Dramatiq adds `.DQ` (delayed) and `.XQ` (dead) to it."""
    return f"{settings.queue_prefix}.deliver"


class Actors:
    """The kinds of message: `deliver` names requests, `follow_up` callbacks and events, `probe` tells how far both have
    come. Follow-ups go through the same queue, so that one probe tells of all; a worker's threads take what else lies
    in its process first."""

    def __init__(
        self,
        broker: dramatiq.Broker,
        queue: str,
        deliver: Callable[[list[Wire], int], None],
        probe: Callable[[int], None],
    ) -> None:
        self.broker = broker
        self.deliver = dramatiq.actor(actor_name="deliver", queue_name=queue, broker=broker)(deliver)
        self.follow_up = dramatiq.actor(actor_name="follow_up", queue_name=queue, broker=broker, priority=LATER)(
            deliver
        )
        # Not before the follow-ups that were published before it.
        self.probe = dramatiq.actor(actor_name="probe", queue_name=queue, broker=broker, priority=LATER)(probe)

    def send_deliver(self, jobs: Sequence[JobRef], due_at: int, now: int) -> None:
        """Publish one message that names jobs, all requests or all follow-ups, delayed until shortly before `due_at`.

        Raises ConnectionClosed when the broker did not take it.
        """
        actor = self.follow_up if jobs[0].is_follow_up else self.deliver
        message = actor.message([job.to_message() for job in jobs], due_at)
        eta_us = due_at - LEAD_US
        if eta_us > now:
            # `enqueue(delay=…)` would count from the moment of publishing, which a long round puts off.
            delayed = {**message.options, "eta": eta_us // clock.MILLISECOND}
            message = message.copy(queue_name=dq_name(message.queue_name), options=delayed)
        self._publish(message, [job.id for job in jobs])

    def send_probe(self, now: int) -> None:
        self._publish(self.probe.message(now), [])

    def _publish(self, message: dramatiq.Message[Any], job_ids: list[int]) -> None:
        try:
            with tracing.publishing(message.actor_name, job_ids):
                self.broker.enqueue(message)
        except BrokerError:
            metrics.count_publish(message.actor_name, taken=False)
            raise
        metrics.count_publish(message.actor_name, taken=True)

    def depths(self, now: int) -> Depths:
        """How many messages lie in the queues; raises ConnectionClosed like a publish."""
        return measured(self.broker, self.deliver.queue_name, now)

    def keep_alive(self) -> None:
        """Answer RabbitMQ's heartbeats on this thread's publishing connection, which would be closed otherwise."""
        connection = getattr(getattr(self.broker, "state", None), "connection", None)
        if connection is None:
            return
        try:
            connection.process_data_events()
        except (pika.exceptions.AMQPError, OSError, ValueError) as error:
            # The next message opens a new one.
            log.warning("RabbitMQ closed the publishing connection: %r", error)
            del self.broker.connection  # type: ignore[attr-defined]
