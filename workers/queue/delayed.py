"""Hands over delayed messages whose time has come. It replaces a loop of Dramatiq's, which could lose its connection.

A message goes to a thread of this process if one is idle. Otherwise it is published to the other queue, so that another
process may take it. Each publish waits for a confirm. Dramatiq published every message that was due before it looked at
its own connection again. If that took some seconds, RabbitMQ closed the connection and delivered the messages again.
"""

import time
from typing import Any

from dramatiq import Worker
from dramatiq.common import current_millis, iter_queue, q_name

TURN_S = 0.5  # RabbitMQ closes a connection that is silent for some seconds (broker.CONSUMER_HEARTBEAT_S)


def has_idle_thread(worker: Worker) -> bool:
    """Whether a thread of this process has no message, and none waits for one."""
    return worker.work_queue.unfinished_tasks < worker.worker_threads


def pass_on(consumer: Any, worker: Worker) -> None:
    """Pass on the messages that are due, for `TURN_S` at most. Only the thread of the consumer calls it."""
    ends_s = time.monotonic() + TURN_S
    for item in iter_queue(consumer.delay_queue):
        if item.priority > current_millis() or time.monotonic() > ends_s:
            consumer.delay_queue.put(item)
            consumer.delay_queue.task_done()
            return
        if has_idle_thread(worker):
            del item.message.options["eta"]
            consumer.handle_message(item.message)  # the thread acknowledges it when it has processed it
        else:
            _publish(consumer, item.message)
        consumer.delay_queue.task_done()


def _publish(consumer: Any, message: Any) -> None:
    published = message.copy(queue_name=q_name(message.queue_name))
    del published.options["eta"]
    consumer.broker.enqueue(published)
    consumer.post_process_message(message)
