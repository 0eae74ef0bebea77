"""Which broker the settings give, and what it does with a connection that was closed under it."""

import os

import pika
import pytest
from dramatiq import Message
from dramatiq.brokers import rabbitmq
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerError, ConnectionClosed
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from models.jobs.job_ref import JobRef
from models.operations.heartbeats import Depths
from models.rules import clock
from runtime import settings
from tests.support.services import unavailable
from tests.support.stalling_proxy import StallingProxy
from tests.support.waiting import wait_until
from workers.queue import broker as brokers
from workers.queue.actors import Actors
from workers.queue.broker import make_broker, reachable
from workers.queue.nodes import with_options

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


@pytest.fixture
def actors_of():
    """Makes actors whose queues are of a type; the queues are gone afterwards."""
    made = []

    def make(queue_type):
        settings_of_type = {"BOOPER_BROKER_URL": RABBITMQ_URL, "BOOPER_QUEUE_TYPE": queue_type}
        broker = make_broker(settings.load(settings_of_type))
        if not reachable(broker):
            unavailable("RabbitMQ", "no connection")
        made.append(Actors(broker, f"booper_{queue_type}_{os.getpid()}", lambda *_: None, lambda *_: None))
        return made[-1]

    yield make
    for actors in made:
        for suffix in ("", ".DQ", ".XQ"):
            actors.broker.channel.queue_delete(actors.deliver.queue_name + suffix)
        actors.broker.close()


def declared_again(actors, suffix, arguments):
    """What RabbitMQ says to a declaration with these arguments: nothing, or that the queue is another."""
    name, broker = actors.deliver.queue_name, actors.broker
    ttl = {"x-message-ttl": rabbitmq.DEAD_MESSAGE_TTL}
    route = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{name}.XQ"}
    with broker.connection.channel() as channel:
        try:
            channel.queue_declare(
                f"{name}{suffix}", durable=True, arguments=arguments | (ttl if suffix == ".XQ" else route)
            )
        except pika.exceptions.ChannelClosedByBroker as error:
            return error.reply_text
    return ""


@pytest.mark.parametrize("suffix", ["", ".DQ", ".XQ"])
def test_every_queue_is_of_the_type_that_the_settings_want(suffix, actors_of):
    quorum, classic = actors_of("quorum"), actors_of("classic")
    for actors in (quorum, classic):
        actors.send_probe(0)

    assert declared_again(quorum, suffix, {"x-queue-type": "quorum"}) == ""
    assert "PRECONDITION_FAILED" in declared_again(quorum, suffix, {"x-queue-type": "classic"})
    assert declared_again(classic, suffix, {}) == ""
    assert "PRECONDITION_FAILED" in declared_again(classic, suffix, {"x-queue-type": "quorum"})


def test_quorum_queues_take_due_and_early_messages(actors_of):
    actors, now = actors_of("quorum"), 1_000_000_000
    actors.send_deliver([JobRef(1, 1, "a")], now + 10_000_000, now)
    actors.send_deliver([JobRef(2, 1, "a")], now, now)
    assert next(actors.broker.consume(actors.deliver.queue_name, timeout=1000)).actor_name == "deliver"
    assert next(actors.broker.consume(f"{actors.deliver.queue_name}.DQ", timeout=1000)).actor_name == "deliver"


def test_a_publishing_connection_that_was_closed_is_dropped_and_made_anew(actors):
    actors.send_probe(0)
    actors.broker.connection.close()
    actors.keep_alive()
    actors.keep_alive()
    actors.send_probe(0)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name)[0] == 2


def test_only_an_early_message_goes_to_the_delay_queue(actors):
    """An early message goes to the delay queue and a due one does not."""
    now = 1_000_000_000
    actors.send_deliver([JobRef(1, 1, "a")], now + 10_000_000, now)
    actors.send_deliver([JobRef(2, 1, "a")], now, now)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name) == (1, 1, 0)


def test_follow_ups_go_through_the_same_queue_and_are_taken_after_requests(actors):
    now = 1_000_000_000
    actors.send_deliver([JobRef(1, 1, "a", True)], now, now)
    actors.send_deliver([JobRef(2, 1, "a")], now, now)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name)[0] == 2
    assert next(actors.broker.consume(actors.deliver.queue_name, timeout=1000)).actor_name == "follow_up"
    assert actors.follow_up.priority == actors.probe.priority > actors.deliver.priority


def test_a_message_for_a_queue_that_was_deleted_is_not_lost(actors):
    """RabbitMQ confirms each message that it has; without that it drops one for nobody, and says nothing."""
    actors.send_probe(0)
    actors.broker.channel.queue_delete(actors.deliver.queue_name)
    actors.send_probe(1)
    assert actors.broker.get_queue_message_counts(actors.deliver.queue_name)[0] == 1


def test_a_closed_publishing_connection_is_told_of_once(actors, caplog):
    actors.send_probe(0)
    actors.broker.connection.close()
    actors.keep_alive()
    actors.keep_alive()
    assert caplog.text.count("RabbitMQ closed the publishing connection") == 1
    assert actors.broker.connections == set()


@pytest.fixture
def in_process():
    return Actors(make_broker(settings.load({})), "q", lambda *_: None, lambda *_: None)


@pytest.fixture(params=["in_process", "actors"])
def either(request):
    """The actors on each kind of broker."""
    return request.getfixturevalue(request.param)


def let_die(actors):
    """The next message that is ready is given up."""
    consumer = actors.broker.consume(actors.deliver.queue_name, timeout=5000)
    message = next(consumer)
    message.fail()
    consumer.nack(message)
    consumer.close()


def test_the_depths_tell_ready_delayed_and_dead_messages_apart(either):
    now = 1_000_000_000
    for number in range(3):
        either.send_deliver([JobRef(number, 1, "a")], now + 10_000_000, now)
    for number in range(2):
        either.send_deliver([JobRef(number, 1, "a")], now, now)
    either.send_probe(now)
    let_die(either)
    wait_until(lambda: either.depths(now) == Depths(2, 3, 1, now))


def published(actors, queue_name):
    """The next message of a queue of the in-process broker."""
    return Message.decode(actors.broker.queues[queue_name].get_nowait())


@pytest.mark.parametrize("actor_name", ["deliver", "follow_up"])
def test_a_delayed_message_is_let_go_a_little_before_its_jobs_are_due(in_process, actor_name):
    """Who takes it waits for the rest: let go at the instant itself, its jobs would begin up to 50 ms late."""
    now, account_id = 1_000_000_000_000, 1 if actor_name == "deliver" else -1
    ref = JobRef(7, 1, "a", is_follow_up=actor_name == "follow_up")
    due_at = now + 10 * clock.SECOND
    in_process.send_deliver([ref, ref._replace(id=8)], due_at, now)
    message = published(in_process, "q.DQ")
    assert message.options["eta"] == (due_at - 60 * clock.MILLISECOND) // clock.MILLISECOND
    assert (message.actor_name, message.args) == (actor_name, ([[7, account_id, "a"], [8, account_id, "a"]], due_at))


@pytest.mark.parametrize(("ahead_ms", "queue_name"), [(61, "q.DQ"), (60, "q"), (0, "q"), (-1000, "q")])
def test_a_message_is_delayed_only_if_there_is_time_to_let_it_go(in_process, ahead_ms, queue_name):
    now = 1_000_000_000_000
    due_at = now + ahead_ms * clock.MILLISECOND
    in_process.send_deliver([JobRef(7, 1, "a")], due_at, now)
    message = published(in_process, queue_name)
    assert ("eta" in message.options) is (queue_name == "q.DQ")
    assert message.args[1] == due_at


def test_a_probe_tells_when_it_was_published(in_process):
    in_process.send_probe(7)
    assert published(in_process, "q").args == (7,)


def test_the_embedded_mode_has_its_broker_in_the_process():
    broker = make_broker(settings.load({}))
    assert isinstance(broker, StubBroker)
    assert reachable(broker)


@pytest.fixture
def proxy():
    with StallingProxy(pika.URLParameters(RABBITMQ_URL).port) as proxy:
        yield proxy


@pytest.fixture
def through_proxy(actors, proxy):
    """Actors of the same queue, who reach RabbitMQ through the proxy, with a short limit on its silence."""
    url = f"{proxy.url(RABBITMQ_URL)}?stack_timeout=0.3&socket_timeout=0.3"
    yield Actors(
        make_broker(settings.load({"BOOPER_BROKER_URL": url})), actors.deliver.queue_name, *[lambda *_: None] * 2
    )
    proxy.drop()


def test_o8_a_broker_that_accepts_a_connection_and_is_silent_is_not_reachable(through_proxy, proxy):
    """/readyz answered 500: pika raises an error that is none of AMQP's."""
    assert reachable(through_proxy.broker)
    with proxy.silent():
        assert not reachable(through_proxy.broker)


def test_o8_a_publish_and_a_consumer_without_an_answer_fail_as_if_the_broker_were_gone(through_proxy, proxy):
    with proxy.silent():
        with pytest.raises(BrokerError):
            through_proxy.send_probe(0)
        with pytest.raises(BrokerError):
            through_proxy.broker.consume(through_proxy.deliver.queue_name)


@pytest.mark.parametrize("error", [AMQPConnectorException("silent"), OSError("TLS failed")])
def test_o8_a_consumer_that_can_not_connect_once_its_queue_is_there_fails_so_too(actors, monkeypatch, error):
    """Dramatiq connects again after an error of the broker; any other ends the thread that consumes."""

    def fail(*_):
        raise error

    monkeypatch.setattr(RabbitmqBroker, "consumer_class", property(lambda _: fail))
    with pytest.raises(ConnectionClosed):
        actors.broker.consume(actors.deliver.queue_name)


def test_a_publish_is_tried_again_only_where_it_failed_quickly(actors, monkeypatch):
    tried = []

    def fail(*_, **__):
        tried.append(1)
        raise ConnectionClosed("blocked")

    monkeypatch.setattr(RabbitmqBroker, "enqueue", fail)
    with pytest.raises(ConnectionClosed):
        actors.send_probe(0)
    monkeypatch.setattr(brokers, "QUICK_FAILURE_S", -1)
    with pytest.raises(ConnectionClosed):
        actors.send_probe(0)
    assert len(tried) == 2 + 1


def test_o7_queues_declared_with_other_arguments_are_an_error_that_says_what_to_do(actors):
    """Nothing was delivered for ever, and no line said why."""
    actors.broker.channel.queue_declare(actors.deliver.queue_name, durable=True, arguments={"x-max-length": 7})

    with pytest.raises(BrokerError) as caught:
        actors.send_probe(0)

    assert "delete the queues of BOOPER_QUEUE_PREFIX" in brokers.advice(caught.value)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        ("(403, \"ACCESS_REFUSED - access to queue 'booper.deliver' refused for user\")", "the rights configure"),
        ("connection refused", ""),
    ],
)
def test_advice_is_given_for_what_does_not_pass_by_itself(error, word):
    advice = brokers.advice(ConnectionClosed(error))
    assert word in advice
    assert bool(advice) == bool(word)


def test_o10_a_consumer_has_a_short_heartbeat_and_a_publisher_a_longer(actors):
    """A host that vanished was fed for a minute and a half."""
    consumer = actors.broker.consume(actors.deliver.queue_name)
    assert [each.heartbeat for each in consumer.broker.parameters] == [2]
    assert [each.heartbeat for each in actors.broker.parameters] == [30]
    ticker = make_broker(settings.load({"BOOPER_BROKER_URL": RABBITMQ_URL}), heartbeat_s=5)
    assert [each.heartbeat for each in ticker.parameters] == [5]
    consumer.close()


def test_a_broker_that_is_not_there_is_not_reachable():
    assert not reachable(make_broker(settings.load({"BOOPER_BROKER_URL": "amqp://guest:guest@127.0.0.1:1"})))


def test_the_limits_on_waiting_can_be_overruled_in_the_url():
    parameters = pika.URLParameters(with_options("amqp://u:p@h:5672/v?heartbeat=7"))
    assert (parameters.heartbeat, parameters.blocked_connection_timeout, parameters.virtual_host) == (7, 10, "v")
