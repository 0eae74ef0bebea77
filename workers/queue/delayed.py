"""Passes on delayed messages whose time has come, in place of Dramatiq, which held its connection up.

Dramatiq publishes each of them to the other queue, with a confirm, as long as any is due. If more fell due than it
could publish, it never looked at the connection that they had come from. RabbitMQ heard nothing on it for some seconds,
closed it, and delivered all of them again: each of 5,000 messages came two or three times. Here a message goes to a
thread of this process if one is idle. Otherwise it is published, so that another process may take it. After a moment
Dramatiq looks at its connection, and comes back.
"""

import time
from typing import Any

from dramatiq import Worker
from dramatiq.common import current_millis, iter_queue, q_name

TURN_S = 0.5  # RabbitMQ gives a consumer up after some seconds (broker.CONSUMER_HEARTBEAT_S)


def has_idle_thread(worker: Worker) -> bool:
    """Whether fewer messages are taken or waiting in this process than it has threads."""
    return worker.work_queue.unfinished_tasks < worker.worker_threads


def pass_on(consumer: Any, worker: Worker) -> None:
    """Pass on what is due, for `TURN_S` at most. Runs in the thread of the consumer alone."""
    ends_s = time.monotonic() + TURN_S
    for item in iter_queue(consumer.delay_queue):
        if item.priority > current_millis() or time.monotonic() > ends_s:
            consumer.delay_queue.put(item)
            consumer.delay_queue.task_done()
            return
        if has_idle_thread(worker):
            del item.message.options["eta"]
            consumer.handle_message(item.message)  # puts it before the threads; it is acknowledged when it is done
        else:
            _publish(consumer, item.message)
        consumer.delay_queue.task_done()


def _publish(consumer: Any, message: Any) -> None:
    published = message.copy(queue_name=q_name(message.queue_name))
    del published.options["eta"]
    consumer.broker.enqueue(published)
    consumer.post_process_message(message)
