"""What Dramatiq's worker and command line do with the delivery, and how often they look for messages."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from dramatiq import Message, Worker
from dramatiq.common import dq_name

from booper.supervisor import AT_ONCE
from models.jobs.job_ref import JobRef
from models.rules import clock
from runtime import settings, tracing
from runtime.metrics import REGISTRY
from tests.support.services import unavailable
from tests.support.waiting import wait_until
from workers.queue.actors import EARLY_US, Actors
from workers.queue.broker import Rabbitmq, make_broker, reachable
from workers.queue.middleware import DeliveryMiddleware
from workers.queue.nodes import parameters

RABBITMQ_URL = os.environ.get("BOOPER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")
QUEUE = f"booper_test_middleware_{os.getpid()}"
LIMIT_S = 20
NOW = 1_000_000_000_000


class NotedDelivery:
    """Stands where workers.delivery.Delivery stands: notes what it is told to do. `deliver` waits for `let_go`."""

    def __init__(self):
        self.orders = []
        self.begun = threading.Semaphore(0)
        self.let_go = threading.Event()

    def start(self):
        self.orders.append("start")

    def close(self):
        self.orders.append("close")

    def drain(self):
        self.orders.append("drain")

    def deliver(self, jobs, due_at):
        if jobs == [[13, 1, "a"]]:
            raise ValueError("a bug")
        self.begun.release()
        assert self.let_go.wait(LIMIT_S)


@pytest.fixture
def delivery():
    made = NotedDelivery()
    yield made
    made.let_go.set()


@pytest.fixture
def in_process(delivery):
    broker = make_broker(settings.load({}), [DeliveryMiddleware(delivery)])
    return Actors(broker, QUEUE, delivery.deliver, lambda _: None)


@pytest.fixture
def on_rabbitmq(delivery):
    broker = make_broker(settings.load({"BOOPER_BROKER_URL": RABBITMQ_URL}), [DeliveryMiddleware(delivery)])
    if not reachable(broker):
        unavailable("RabbitMQ", "no connection")
    yield Actors(broker, QUEUE, delivery.deliver, lambda _: None)
    for suffix in ("", ".DQ", ".XQ"):
        broker.channel.queue_delete(QUEUE + suffix)
    broker.close()


@pytest.fixture(params=["in_process", "on_rabbitmq"])
def actors(request):
    """The actors on each kind of broker."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def start(delivery):
    """Starts a worker of two threads; it is stopped whatever the test finds."""
    workers = []

    def start_on(actors):
        workers.append(Worker(actors.broker, worker_threads=2))
        workers[-1].start()
        return workers[-1]

    yield start_on
    delivery.let_go.set()
    for worker in workers:
        worker.stop(LIMIT_S * 1000)


def send(actors, job_id=1):
    actors.send_deliver([JobRef(job_id, 1, "a")], NOW, NOW)


def failures():
    """How many messages failed so far: (raised, dead)."""
    name = "booper_message_failures_total"
    return [REGISTRY.get_sample_value(name, {"how": how}) or 0 for how in ("raised", "dead")]


@pytest.fixture
def grown():
    """How many messages failed since the test began: (raised, dead)."""
    before = failures()
    return lambda: tuple(now - then for now, then in zip(failures(), before, strict=True))


def test_no_claim_is_begun_while_a_worker_waits_for_its_threads(in_process, delivery, start):
    worker = start(in_process)
    assert delivery.orders == ["start"]
    send(in_process)
    assert delivery.begun.acquire(timeout=LIMIT_S)

    stopping = threading.Thread(target=worker.stop, args=(LIMIT_S * 1000,))
    stopping.start()
    wait_until(lambda: "close" in delivery.orders)
    assert "drain" not in delivery.orders
    delivery.let_go.set()
    stopping.join(LIMIT_S)

    assert delivery.orders == ["start", "close", "drain"]


def test_a_message_that_nobody_understands_counts_as_dead(actors, delivery, start, grown):
    start(actors)
    actors.broker.enqueue(Message(queue_name=QUEUE, actor_name="nobody", args=(), kwargs={}, options={}))
    wait_until(lambda: grown() == (0, 1))
    wait_until(lambda: actors.depths(NOW).dead == 1)


def test_a_message_whose_actor_failed_counts_as_raised(in_process, delivery, start, grown):
    start(in_process)
    send(in_process, job_id=13)
    wait_until(lambda: grown() == (1, 0))


def test_a_message_that_was_performed_counts_as_no_failure(in_process, delivery, start, grown):
    delivery.let_go.set()
    worker = start(in_process)
    send(in_process)
    assert delivery.begun.acquire(timeout=LIMIT_S)
    worker.stop(LIMIT_S * 1000)
    assert grown() == (0, 0)


def test_a_process_fetches_no_more_messages_than_it_has_threads(on_rabbitmq, delivery, start):
    """What one process hoards waits behind what it holds, while others have nothing to do."""
    for _ in range(10):
        send(on_rabbitmq)
    start(on_rabbitmq)
    for _ in range(2):
        assert delivery.begun.acquire(timeout=LIMIT_S)
    assert on_rabbitmq.depths(NOW).ready == 8


def test_the_in_process_broker_gives_as_many_messages_as_its_owner_says(in_process, delivery, start):
    worker = Worker(in_process.broker, worker_threads=2)
    worker.queue_prefetch = 100
    worker.start()
    worker.stop(LIMIT_S * 1000)
    assert worker.queue_prefetch == 100


def test_o10_delayed_messages_are_looked_after_often_and_idle_threads_look_seldom(in_process, delivery, start):
    worker = start(in_process)
    assert {consumer.worker_timeout for consumer in worker.consumers.values()} == {50}
    assert {thread.timeout for thread in worker.workers} == {0.5}


def send_delayed(actors, count):
    """So many messages whose time comes in a moment."""
    now = clock.now()
    for number in range(count):
        actors.send_deliver([JobRef(number, 1, "a")], now + EARLY_US + 2 * clock.MILLISECOND, now)


def test_each_delayed_message_is_performed_once_although_there_are_more_than_threads(actors, delivery, start):
    delivery.let_go.set()
    start(actors)
    send_delayed(actors, 7)

    for _ in range(7):
        assert delivery.begun.acquire(timeout=LIMIT_S)

    wait_until(lambda: actors.depths(NOW)[:2] == (0, 0))
    assert not delivery.begun.acquire(blocking=False)


def test_a_delayed_message_that_a_thread_took_comes_again_if_its_process_ends(on_rabbitmq, delivery, start):
    """It is acknowledged when it was performed, not before."""
    worker = start(on_rabbitmq)
    send_delayed(on_rabbitmq, 1)
    assert delivery.begun.acquire(timeout=LIMIT_S)

    connection = worker.consumers[dq_name(QUEUE)].consumer.connection
    connection.add_callback_threadsafe(connection.close)

    assert delivery.begun.acquire(timeout=LIMIT_S)


class NotingRabbitmq(Rabbitmq):
    """Gives, in the place of a consumer, what it would be made of."""

    def consumer_class(self, *arguments):
        return arguments


@pytest.mark.parametrize(("name", "timeout"), [(QUEUE, 1000), (dq_name(QUEUE), 50)], ids=["queue", "delay queue"])
def test_only_the_delay_queue_is_looked_at_often(on_rabbitmq, name, timeout):
    """The others' consumers are woken by what arrives; each look costs idle CPU."""
    broker = NotingRabbitmq(parameters(settings.load({"BOOPER_BROKER_URL": RABBITMQ_URL})))
    assert broker.consume(name, 7, 50)[1:] == (name, 7, timeout)
    broker.close()


def test_spans_are_sent_before_a_worker_ends(in_process, delivery, monkeypatch):
    monkeypatch.setattr(tracing, "stop", lambda: delivery.orders.append("send spans"))
    worker = Worker(in_process.broker, worker_threads=1)
    worker.start()
    worker.stop(LIMIT_S * 1000)
    assert delivery.orders[-2:] == ["drain", "send spans"]


PROCESS = """
import os, signal, sys, time
from workers.queue import middleware

def tell(word):
    os.write(1, f"{word}\\n".encode())  # in one piece, whoever else writes

class Delivery:
    def close(self):
        tell("close")
    def abandon(self):
        tell("abandon")

def boot(same_signal_s):
    middleware.SAME_SIGNAL_S = same_signal_s
    middleware.DeliveryMiddleware(Delivery()).after_process_boot(None)
    signal.signal(signal.SIGURG, lambda *_: tell("alive"))
    tell(f"ready {os.getpid()}")
    for _ in range(1200):  # Python heeds a signal that comes just before it sleeps only after the sleep
        time.sleep(0.05)
"""
# Dramatiq's own answer to an order to stop.
GOES_ON = 'signal.signal(signal.SIGTERM, lambda *_: tell("stop"))'
ENDS = "signal.signal(signal.SIGTERM, lambda *_: os._exit(0))"


@pytest.fixture
def run():
    """Runs a program that may boot as a process of Dramatiq does; it is killed whatever the test finds."""
    started = []

    def run_program(*lines):
        program = "\n".join([PROCESS, *lines])
        started.append(subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True))
        word, pid = started[-1].stdout.readline().split()
        assert word == "ready"
        return started[-1], int(pid)

    yield run_program
    for process in started:
        process.kill()
        process.wait(LIMIT_S)
        process.stdout.close()


def read_lines(process, count):
    return sorted(process.stdout.readline().strip() for _ in range(count))


def test_an_order_to_stop_ends_claims_at_once_and_is_one_order_however_often_it_comes(run):
    process, _ = run(GOES_ON, "boot(3600)")
    process.send_signal(signal.SIGTERM)
    assert read_lines(process, 2) == ["close", "stop"]
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGURG)
    assert read_lines(process, 1) == ["alive"]
    process.send_signal(AT_ONCE)
    assert read_lines(process, 1) == ["abandon"]
    assert process.wait(LIMIT_S) == 128 + signal.SIGTERM


def test_a_later_order_to_stop_gives_back_what_is_under_way_and_ends_the_process(run):
    process, _ = run(GOES_ON, "boot(0)")
    process.send_signal(signal.SIGTERM)
    assert read_lines(process, 2) == ["close", "stop"]
    process.send_signal(signal.SIGTERM)
    assert read_lines(process, 1) == ["abandon"]
    assert process.wait(LIMIT_S) == 128 + signal.SIGTERM


def test_no_process_outlives_the_command_line_that_started_it(run):
    command_line, pid = run(ENDS, "boot(3600) if os.fork() == 0 else time.sleep(60)")
    assert pid != command_line.pid
    command_line.kill()
    try:
        command_line.communicate(timeout=LIMIT_S)  # until nobody has its output open
    except subprocess.TimeoutExpired:
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the process went on without its command line")
