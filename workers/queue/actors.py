"""Publishes the messages and names the functions that receive them.

The arguments of a message are JSON; nothing is pickled.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dramatiq
from dramatiq.common import dq_name
from dramatiq.errors import BrokerError

from models.jobs.job_ref import JobRef, Wire
from models.operations.heartbeats import Depths
from models.rules import clock
from runtime import metrics, tracing
from workers.queue import broker as brokers
from workers.queue.depths import measured

EARLY_US = 60 * clock.MILLISECOND  # a delayed message arrives this much early; the deliver actor waits for the rest
FOLLOW_UP_PRIORITY = 10  # requests have Dramatiq's default, 0; the lower number goes first


class Actors:
    """The kinds of message: `deliver` names requests, `follow_up` callbacks and events, `probe` shows how far both have
    come. Follow-ups go through the same queue, so that one probe covers everything. A worker's threads take other
    messages in their process first."""

    def __init__(
        self,
        broker: dramatiq.Broker,
        queue: str,
        deliver: Callable[[list[Wire], int], None],
        probe: Callable[[int], None],
    ) -> None:
        def actor(name: str, function: Callable[..., None], priority: int = 0) -> dramatiq.Actor[Any, None]:
            return dramatiq.actor(actor_name=name, queue_name=queue, broker=broker, priority=priority)(function)

        self.broker = broker
        self.deliver = actor("deliver", deliver)
        self.follow_up = actor("follow_up", deliver, FOLLOW_UP_PRIORITY)
        self.probe = actor("probe", probe, FOLLOW_UP_PRIORITY)  # not before the follow-ups published before it

    def send_deliver(self, jobs: Sequence[JobRef], due_at: int, now: int) -> None:
        """Publish one message that names jobs, all requests or all follow-ups, delayed until shortly before `due_at`.

        Raises ConnectionClosed when the broker did not take it.
        """
        actor = self.follow_up if jobs[0].is_follow_up else self.deliver
        message = actor.message([job.to_message() for job in jobs], due_at)
        eta_us = due_at - EARLY_US
        if eta_us > now:
            # `enqueue(delay=…)` would count from the moment of publishing, which comes late in a long round.
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
        """How many messages are in the queues; raises ConnectionClosed like a publish."""
        return measured(self.broker, self.deliver.queue_name, now)

    def keep_alive(self) -> None:
        brokers.keep_alive(self.broker)
