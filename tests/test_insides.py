"""What we use of other packages that they do not promise: each such name is in docs/design.md, with a test."""

import ast
import configparser
import importlib
import inspect
import json
import re
import threading
from pathlib import Path
from queue import PriorityQueue

import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.worker import ConsumerThread
from dramatiq.worker import Worker as DramatiqWorker
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn, ThreadWorker
from marshmallow import Schema
from peewee import PostgresqlDatabase
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.mmap_dict import MmapedDict
from waitress import create_server

from tests.support.documents import table

ROOT = Path(__file__).parents[1]
ROOMS = ("api", "booper", "models", "runtime", "workers")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
ROWS = table("docs/design.md", "## Other people's insides")
# Documented by their owners in spite of the underscore.
OF_NAMED_TUPLES = {"_asdict", "_field_defaults", "_fields", "_make", "_replace"}
PROMISED = OF_NAMED_TUPLES | {"_deserialize of Field", "_exit", "_make_doc_response_schema", "_meta", "_srcfile"}
STANDARD_LIBRARY = {"json"}


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def own_names(tree):
    """The private names that a module makes itself: its functions, classes and variables, and attributes of `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            yield node.attr


def is_self(node):
    return isinstance(node, ast.Name) and node.id == "self"


def borrowed_names(source):
    """The private names that a module uses and does not make."""
    tree = ast.parse(source)
    own = set(own_names(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
            yield node.attr
        if isinstance(node, ast.ImportFrom):
            parts = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from filter(is_private, parts)


def overridden_names(path):
    """The private names that a module's classes override in classes of other packages."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for node in ast.walk(ast.parse(path.read_text())):
        cls = getattr(module, node.name, None) if isinstance(node, ast.ClassDef) else None
        for inner in node.body if inspect.isclass(cls) else []:
            if isinstance(inner, ast.FunctionDef) and is_private(inner.name):
                yield from (
                    f"{inner.name} of {base.__name__}" if base.__name__ == "Field" else inner.name
                    for base in cls.__mro__[1:]
                    if inner.name in vars(base) and base.__module__.split(".")[0] not in ROOMS
                )


def imported_by_tests(path):
    """Whether a module can be imported without doing anything."""
    return path.stem not in ("__main__", "wsgi", "app") and not path.stem[0].isdigit()


def listed():
    return {name for row in ROWS for name in re.findall(r"\w+", row[0])}


def test_every_private_name_that_we_borrow_is_in_the_table():
    borrowed = {(str(path.relative_to(ROOT)), name) for path in SOURCES for name in borrowed_names(path.read_text())}
    overridden = {
        (str(path.relative_to(ROOT)), name)
        for path in SOURCES
        if imported_by_tests(path)
        for name in overridden_names(path)
    }

    assert {name for _, name in overridden} >= {"_connect", "_close"}
    assert {name for _, name in borrowed} >= {"_sum", "_buckets"}
    assert [(path, name) for path, name in borrowed | overridden if name not in listed() | PROMISED] == []


@pytest.mark.parametrize(
    "source",
    [
        "pool._in_use",
        "database.obj._in_use.clear()",
        "pool._in_use = {}",
        "from somebody import _private",
        "from somebody._private import name",
        "class Ours(Theirs):\n    def read(self):\n        return self._theirs",
    ],
)
def test_a_borrowed_name_is_noticed(source):
    assert list(borrowed_names(source)) != []


@pytest.mark.parametrize(
    "source", ["class Ours:\n    def __init__(self):\n        self._own = 1", "_own = 1\nother._own", "cls.__name__"]
)
def test_a_name_of_our_own_is_not_taken_for_a_borrowed_one(source):
    assert list(borrowed_names(source)) == []


@pytest.mark.parametrize(("name", "test"), [(row[0], row[3]) for row in ROWS])
def test_every_test_that_the_table_names_exists(name, test):
    path, _, function = test.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_the_product_uses_every_name_of_the_table():
    used = set(re.findall(r"\w+", "\n".join(path.read_text() for path in SOURCES)))
    assert [name for name in own_parts() if name not in used] == []


def own_parts():
    """The names of the table without those of the classes and modules that have them."""
    for row in ROWS:
        for name in re.split(r"[`, ]+", row[0]):
            yield name.rpartition(".")[2]


@pytest.mark.parametrize("package", sorted({row[1] for row in ROWS} - STANDARD_LIBRARY))
def test_a_package_whose_insides_we_use_has_an_upper_bound(package):
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    ranges = dict(line.rsplit(" ", 1) for line in setup["options"]["install_requires"].strip().splitlines())
    assert re.search(r",<\d", ranges[package])


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (ThreadWorker.accept, ["listener"]),
        (ThreadWorker.set_accept_enabled, ["enabled"]),
        (ThreadWorker.wait_for_and_dispatch_events, ["timeout"]),
        (ThreadWorker.handle_exit, ["sig", "frame"]),
        (ThreadWorker.handle_quit, ["sig", "frame"]),
        (ThreadWorker.init_process, []),
        (ThreadWorker.enqueue_req, ["conn"]),
        (ThreadWorker.handle, ["conn"]),
        (ThreadWorker.handle_request, ["req", "conn"]),
        (ThreadWorker._keepalive_after, ["conn", "keepalive"]),
        (ThreadWorker.finish_request, ["conn", "fs"]),
        (ThreadWorker.on_client_socket_readable, ["conn", "client"]),
        (TConn.close, ["graceful"]),
        (ThreadWorker.handle_error, ["req", "client", "addr", "exc"]),
        (Logger.setup, ["cfg"]),
    ],
)
def test_gunicorn_calls_what_we_override_as_we_expect(function, parameters):
    assert list(inspect.signature(function).parameters) == ["self", *parameters]


def test_gunicorn_counts_its_connections_and_says_whether_it_lives():
    worker = ThreadWorker(0, 0, [], None, 30, Config(), None)
    assert (worker.nr_conns, worker.alive, worker.worker_connections) == (0, True, 1000)


def test_a_database_of_peewee_opens_and_closes_by_what_we_override_and_keeps_a_state_for_each_thread():
    database = PostgresqlDatabase("nowhere", prefer_psycopg3=True)
    assert database._state.closed
    assert list(inspect.signature(database._state.set_connection).parameters) == ["conn"]
    assert list(inspect.signature(PostgresqlDatabase._connect).parameters) == ["self"]
    assert list(inspect.signature(PostgresqlDatabase._close).parameters) == ["self", "conn"]
    assert database.server_version is None


def test_a_histogram_of_prometheus_counts_by_bucket_and_has_a_sum():
    histogram = Histogram("seconds", "For this test.", buckets=(1, 2), registry=CollectorRegistry())
    assert list(histogram._upper_bounds) == [1, 2, float("inf")]

    histogram._buckets[1].inc(3)
    histogram._sum.inc(5)
    samples = {(sample.name, sample.labels.get("le")): sample.value for sample in histogram.collect()[0].samples}
    assert (samples["seconds_bucket", "1.0"], samples["seconds_bucket", "+Inf"]) == (0, 3)
    assert samples["seconds_sum", None] == 5


def test_a_file_of_prometheus_gives_back_what_was_written(tmp_path):
    path = str(tmp_path / "counter_1.db")
    values = MmapedDict(path)
    assert values.read_value("a") == (0, 0)
    values.write_value("a", 2.5, 0.0)
    values.close()
    assert [row[:2] for row in MmapedDict.read_all_values_from_file(path)] == [("a", 2.5)]


def test_marshmallow_reads_a_document_by_the_method_that_we_override():
    parameters = inspect.signature(Schema._deserialize).parameters
    assert list(parameters)[:3] == ["self", "data", "error_store"]
    assert parameters["error_store"].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("text", ['"a"', r'"\u00e9\n\"b"', '"\U0001f600"'])
def test_the_standard_library_reads_a_string_at_a_place(text):
    assert json.decoder.scanstring(f"x{text}y", 2, True) == (json.loads(text), 1 + len(text))


def test_a_worker_of_dramatiq_takes_its_times_from_attributes_until_it_starts():
    worker = DramatiqWorker(StubBroker(), worker_threads=3)
    worker.worker_timeout, worker.queue_prefetch = 50, 7
    worker.start()
    try:
        assert (worker.worker_threads, len(worker.workers)) == (3, 3)
        assert {thread.timeout for thread in worker.workers} == {50 / 1000}
    finally:
        worker.stop()


def test_a_consumer_of_dramatiq_calls_our_way_to_pass_on_delayed_messages():
    queue = PriorityQueue()
    parts = {"broker": StubBroker(), "queue_name": "q", "prefetch": 1, "worker_timeout": 1, "work_queue": queue}
    consumer = ConsumerThread(**parts)
    called = threading.Event()

    def pass_on():
        called.set()
        consumer.stop()

    consumer.handle_delayed_messages = pass_on
    consumer.broker.declare_queue("q")
    consumer.start()
    consumer.join(20)

    assert (called.is_set(), consumer.is_alive()) == (True, False)
    assert (consumer.delay_queue.qsize(), consumer.work_queue is queue) == (0, True)
    assert list(inspect.signature(consumer.handle_message).parameters) == ["message"]
    assert list(inspect.signature(consumer.post_process_message).parameters) == ["message"]
    assert isinstance(DramatiqWorker(StubBroker()).work_queue, PriorityQueue)


def test_a_broker_of_dramatiq_keeps_its_connection_per_thread_and_lets_it_go():
    assert list(inspect.signature(RabbitmqBroker.consume).parameters) == ["self", "queue_name", "prefetch", "timeout"]
    broker = RabbitmqBroker(url="amqp://127.0.0.1:1")
    assert not hasattr(broker.state, "connection")
    assert RabbitmqBroker.connection.fdel is not None


def test_waitress_ends_its_threads_by_their_dispatcher():
    server = create_server(lambda _environ, _start: [], host="127.0.0.1", port=0, threads=2)
    try:
        assert len(server.task_dispatcher.threads) == 2
        server.task_dispatcher.shutdown(True, 5)
        assert len(server.task_dispatcher.threads) == 0
    finally:
        server.close()
