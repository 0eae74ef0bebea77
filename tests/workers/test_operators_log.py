"""What an operator reads of the parts around tickers and sending: for each line its level and each value in it."""

from types import SimpleNamespace

import pytest
from peewee import OperationalError

from models.alerts.messages import OPENED
from models.alerts.ways import Target
from models.rules import clock
from models.rules.address_rules import AddressPolicy
from runtime.settings import load
from tests.support.operators_log import raising, unseen, written
from workers import embedded
from workers.embedded import Embedded
from workers.operator_watch import watch as watching
from workers.operator_watch.sending import Outbox
from workers.operator_watch.watch import Watch
from workers.queue.broker import keep_alive
from workers.transport.client import Transport

MODULES = ("workers/operator_watch/*.py", "workers/queue/*.py", "workers/transport/**/*.py", "workers/*.py")
SLACK, NTFY = Target("slack", "https://hooks.example/s3cret"), Target("ntfy", "https://ntfy.example/s3cret")


def an_earlier_process_left_jobs(monkeypatch):
    counts = iter([3, 2, 0, 9])
    monkeypatch.setattr(embedded, "dialect", lambda: "sqlite")
    monkeypatch.setattr(embedded, "rescue_lost", lambda *_: next(counts))
    process = SimpleNamespace(_first_lead=True)
    for _ in range(2):
        Embedded._rescue_all(process)


def rabbitmq_closes_the_publishing_connection(monkeypatch):
    publishing = SimpleNamespace(process_data_events=raising(OSError("cut")))
    keep_alive(SimpleNamespace(state=SimpleNamespace(connection=publishing), connection=publishing))


def outcomes_are_not_taken(monkeypatch):
    transport = Transport(AddressPolicy())
    transport._take, transport._ended = raising(ValueError("a bug")), [None, None]
    transport._hand_over()
    transport._thread.loop.close()


def a_target_takes_nothing(monkeypatch):
    """The other one takes it."""
    outbox = Outbox([SLACK, NTFY], lambda target, _: "answered 500" if target is SLACK else "")
    outbox.put(OPENED, "Booper", [], clock.now(), 100.0)


def the_watch_fails(monkeypatch):
    """The database is gone, then there is a mistake; at the end it is gone again."""
    watch = Watch(load({}))
    gone, mistake = raising(OperationalError("gone")), raising(ValueError("a bug"))
    for connection in (gone, mistake):
        monkeypatch.setattr(watching, "connection", connection)
        watch.look(clock.now(), 100.0)
    monkeypatch.setattr(watching, "connection", gone)
    watch.leave()


SITUATIONS = {
    an_earlier_process_left_jobs: ["INFO 5 jobs under way were left behind by an earlier process"],
    rabbitmq_closes_the_publishing_connection: [
        "WARNING RabbitMQ closed the publishing connection: OSError('cut')",
    ],
    outcomes_are_not_taken: ["EXCEPTION 2 outcomes were not taken"],
    a_target_takes_nothing: [
        "ERROR the operator was not notified by slack (answered 500); it is tried again",
    ],
    the_watch_fails: [
        "WARNING database gone (gone): next look in 10.0 s",
        "EXCEPTION the watch over Booper failed; next look in 10.0 s",
        "WARNING database gone (gone): the watch ends without a word",
    ],
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_operator_reads_once_what_happened_with_its_numbers(situation, monkeypatch):
    with written() as lines:
        situation(monkeypatch)

    assert lines == SITUATIONS[situation]


@pytest.mark.parametrize("modules", MODULES)
def test_each_line_is_read_in_some_situation(modules):
    assert unseen(modules, sum(SITUATIONS.values(), [])) == []
