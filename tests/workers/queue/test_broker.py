"""Which broker the settings give, and what it does with a connection that was closed under it."""

import os

import pika
import pytest
from dramatiq.brokers.stub import StubBroker

from models.operations.heartbeats import Depths
from runtime import settings
from tests.support.services import unavailable
from workers.queue.broker import Actors, make_broker, reachable, with_options

RABBITMQ_URL = os.environ.get("BOOPER_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672")


@pytest.fixture
def actors():
    broker = make_broker(settings.load({"BOOPER_BROKER_URL": RABBITMQ_URL}))
    if not reachable(broker):
        unavailable("RabbitMQ", "no connection")
    actors = Actors(broker, f"booper_test_{os.getpid()}", lambda *_: None, lambda *_: None)
    yield actors
    for suffix in ("", ".DQ", ".XQ"):
        broker.channel.queue_delete(actors.deliver.queue_name + suffix)
    broker.close()


def test_a_publishing_connection_that_was_closed_is_dropped_and_made_anew(actors):
    actors.send_probe(0)
    actors.broker.connection.close()
    actors.keep_alive()
    actors.keep_alive()
    actors.send_probe(0)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name)[0] == 2


def test_an_early_message_goes_to_the_delay_queue_and_a_due_one_does_not(actors):
    now = 1_000_000_000
    actors.send_deliver([(1, 1, "a")], now + 10_000_000, now)
    actors.send_deliver([(2, 1, "a")], now, now)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name) == (1, 1, 0)


def test_follow_ups_go_through_the_same_queue_and_are_taken_after_requests(actors):
    now = 1_000_000_000
    actors.send_deliver([(1, -1, "a")], now, now)
    actors.send_deliver([(2, 1, "a")], now, now)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name)[0] == 2
    assert next(actors.broker.consume(actors.deliver.queue_name, timeout=1000)).actor_name == "follow_up"
    assert actors.follow_up.priority == actors.probe.priority > actors.deliver.priority


def test_the_depths_of_the_broker_in_the_process_are_told():
    actors = Actors(make_broker(settings.load({})), "q", lambda *_: None, lambda *_: None)
    now = 1_000_000_000
    actors.send_deliver([(1, 1, "a")], now + 10_000_000, now)
    actors.send_deliver([(2, 1, "a")], now, now)
    actors.send_probe(now)
    assert actors.depths(now) == Depths(2, 1, 0, now)


def test_the_embedded_mode_has_its_broker_in_the_process():
    broker = make_broker(settings.load({}))
    assert isinstance(broker, StubBroker)
    assert reachable(broker)


def test_a_broker_that_is_not_there_is_not_reachable():
    assert not reachable(make_broker(settings.load({"BOOPER_BROKER_URL": "amqp://guest:guest@127.0.0.1:1"})))


def test_the_limits_on_waiting_can_be_overruled_in_the_url():
    parameters = pika.URLParameters(with_options("amqp://u:p@h:5672/v?heartbeat=7"))
    assert (parameters.heartbeat, parameters.blocked_connection_timeout, parameters.virtual_host) == (7, 10, "v")
