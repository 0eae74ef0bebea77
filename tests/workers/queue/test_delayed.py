"""Delayed messages whose time has come: which go to a thread of this process, and which to the queue."""

from queue import PriorityQueue
from types import SimpleNamespace

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import current_millis, dq_name
from dramatiq.worker import ConsumerThread, _WorkQueueItem

from workers.queue import delayed
from workers.queue.broker import CONSUMER_HEARTBEAT_S

QUEUE = "booper_test_delayed"
THREADS = 2


@pytest.fixture
def broker():
    made = StubBroker(middleware=[])
    dramatiq.actor(actor_name="deliver", queue_name=QUEUE, broker=made)(lambda number: None)
    return made


@pytest.fixture
def worker():
    return SimpleNamespace(work_queue=PriorityQueue(), worker_threads=THREADS)


@pytest.fixture
def consumer(broker, worker):
    """The thread of the delay queue, not started. Notes the numbers of the messages that it acknowledges."""
    parts = {"broker": broker, "queue_name": dq_name(QUEUE), "prefetch": 1, "worker_timeout": 50}
    made = ConsumerThread(work_queue=worker.work_queue, **parts)
    made.acknowledged = []
    made.consumer = SimpleNamespace(ack=lambda message: made.acknowledged.append(message.args[0]))
    return made


def delay(consumer, *numbers, ms=-1):
    """Messages with these numbers, due so many ms from now."""
    for number in numbers:
        message = consumer.broker.get_actor("deliver").message(number)
        eta = current_millis() + ms
        late = message.copy(queue_name=dq_name(QUEUE), options={"eta": eta})
        consumer.delay_queue.put(_WorkQueueItem(eta, dramatiq.MessageProxy(late)))


def handed_over(worker):
    """The numbers of the messages that wait for a thread, first to last."""
    return [worker.work_queue.get_nowait().message.args[0] for _ in range(worker.work_queue.qsize())]


def published(broker):
    """The numbers of the messages in the queue, first to last."""
    queue = broker.queues[QUEUE]
    return [dramatiq.Message.decode(queue.get_nowait()).args[0] for _ in range(queue.qsize())]


def test_a_due_message_goes_to_an_idle_thread_and_not_through_the_queue(broker, consumer, worker):
    delay(consumer, 1)

    delayed.pass_on(consumer, worker)

    assert (handed_over(worker), published(broker)) == ([1], [])
    assert consumer.acknowledged == []  # the thread does that when it has processed it
    assert consumer.delay_queue.unfinished_tasks == 0


def test_messages_for_which_no_thread_is_idle_go_through_the_queue(broker, consumer, worker):
    delay(consumer, 1, 2, 3, 4)

    delayed.pass_on(consumer, worker)

    assert (handed_over(worker), published(broker)) == ([1, 2], [3, 4])
    assert consumer.acknowledged == [3, 4]


def test_a_message_that_a_thread_processes_counts_as_taken(broker, consumer, worker):
    delay(consumer, 1, 2, 3)
    delayed.pass_on(consumer, worker)
    published(broker)
    handed_over(worker)
    delay(consumer, 4)

    delayed.pass_on(consumer, worker)
    worker.work_queue.task_done()
    delay(consumer, 5)
    delayed.pass_on(consumer, worker)

    assert (published(broker), handed_over(worker)) == ([4], [5])


def test_what_is_passed_on_is_delayed_no_more(broker, consumer, worker):
    delay(consumer, 1, 2, 3)

    delayed.pass_on(consumer, worker)

    messages = [worker.work_queue.get_nowait().message, dramatiq.Message.decode(broker.queues[QUEUE].get_nowait())]
    assert [message.options.get("eta") for message in messages] == [None, None]
    assert [message.queue_name for message in messages] == [dq_name(QUEUE), QUEUE]


def test_a_message_that_is_not_due_waits(broker, consumer, worker):
    delay(consumer, 1, ms=60_000)

    delayed.pass_on(consumer, worker)

    assert (handed_over(worker), published(broker), consumer.delay_queue.qsize()) == ([], [], 1)
    assert consumer.delay_queue.unfinished_tasks == 1


def test_the_connection_is_looked_at_although_more_messages_are_due(broker, consumer, worker, monkeypatch):
    """Dramatiq went on to the last one. RabbitMQ closed the connection meanwhile, and delivered all of them again."""
    now_s = [100.0]
    monkeypatch.setattr(delayed.time, "monotonic", lambda: now_s[0])
    monkeypatch.setattr(broker, "enqueue", lambda message: now_s.__setitem__(0, now_s[0] + delayed.TURN_S))
    delay(consumer, 1, 2, 3, 4, 5)

    delayed.pass_on(consumer, worker)
    left = consumer.delay_queue.qsize()
    delayed.pass_on(consumer, worker)

    assert (left, consumer.delay_queue.qsize(), consumer.acknowledged) == (1, 0, [3, 4, 5])


def test_a_turn_is_shorter_than_rabbitmq_waits_for_a_sign_of_life():
    assert 2 * delayed.TURN_S <= CONSUMER_HEARTBEAT_S
