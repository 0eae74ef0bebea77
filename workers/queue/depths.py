"""Measures the queues: how many messages are ready, delayed and dead. Only the leading ticker does so."""

from dramatiq import Broker
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import dq_name

from models.operations.heartbeats import Depths


def measured(broker: Broker, queue: str, now: int) -> Depths:
    """What is in the queue, in its delay queue and in its dead-letter queue.

    RabbitMQ does not count what workers have fetched; the in-process broker counts what is not yet done.
    Raises ConnectionClosed when RabbitMQ does not answer.
    """
    if isinstance(broker, StubBroker):
        ready, delayed = (broker.queues[name].unfinished_tasks for name in (queue, dq_name(queue)))
        return Depths(ready, delayed, len(broker.dead_letters_by_queue[queue]), now)
    ready, delayed, dead = broker.get_queue_message_counts(queue)  # type: ignore[attr-defined]
    return Depths(ready, delayed, dead, now)
