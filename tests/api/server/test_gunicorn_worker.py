"""Malformed requests are answered in our one shape; connections are shared among the processes."""

import contextlib
import errno
import json
import logging
import os
import resource
import selectors
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from gunicorn.config import Config
from gunicorn.http import errors
from gunicorn.workers.gthread import PollableMethodQueue

from api.server import accept_balance, gunicorn_hooks, gunicorn_worker
from api.server.gunicorn_worker import Worker
from runtime import file_shortage, signals
from tests.support.clocks import SteadyClock


def error_response(error):
    """Status, headers and JSON of what the worker sends for this error."""
    worker = Worker.__new__(Worker)
    worker.log = logging.getLogger("gunicorn.error")
    ours, client = socket.socketpair()
    with ours, client:
        worker.handle_error(None, ours, ("127.0.0.1", 5), error)
        ours.shutdown(socket.SHUT_WR)
        received = client.makefile("rb").read()
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert int(headers["Content-Length"]) == len(body)
    return int(status.split()[1]), headers, json.loads(body)["error"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidRequestLine("canary"), 400),
        (errors.InvalidHeaderName("canary"), 400),
        (errors.UnsupportedTransferCoding("canary"), 501),
        (errors.InvalidChunkSize(b"canary"), 400),
        (errors.LimitRequestLine(9000, 8190), 414),
        (errors.LimitRequestHeaders("canary"), 431),
        (errors.ExpectationFailed("canary"), 417),
        (OSError("canary"), 400),
        (ZeroDivisionError("canary"), 500),
    ],
)
def test_a_broken_request_is_answered_in_the_one_shape(error, status):
    got, headers, body = error_response(error)
    assert got == body["status"] == status
    assert set(body) == {"status", "code", "message", "errors", "request_id"}
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"] == body["request_id"]
    assert "canary" not in str(body)


def test_a_client_that_is_gone_does_no_harm():
    worker = Worker.__new__(Worker)
    worker.log = logging.getLogger("gunicorn.error")
    ours, client = socket.socketpair()
    client.close()
    ours.close()
    worker.handle_error(None, ours, None, errors.InvalidRequestLine("x"))


def test_a_client_that_reads_nothing_does_not_hold_the_worker(monkeypatch):
    """Its buffers are full: the answer can't be sent."""
    monkeypatch.setattr(gunicorn_worker, "SEND_LIMIT_S", 0.01)
    worker = Worker.__new__(Worker)
    worker.log = logging.getLogger("gunicorn.error")
    ours, client = socket.socketpair()
    with ours, client:
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while ours.send(b"x" * 65536):
                pass
        ours.setblocking(True)
        answering = threading.Thread(target=worker.handle_error, args=(None, ours, None, OSError()), daemon=True)
        answering.start()
        answering.join(60)
        assert not answering.is_alive()


@pytest.mark.parametrize(("body", "batch"), [(3000, 5000), (5000, 3000)])
def test_bodies_are_waited_for_up_to_the_larger_of_both_limits(monkeypatch, body, batch):
    monkeypatch.setenv("BOOPER_MAX_BODY_BYTES", str(body))
    monkeypatch.setenv("BOOPER_MAX_BATCH_BYTES", str(batch))

    worker = Worker(0, 0, [], None, 30, Config(), logging.getLogger("gunicorn.error"))

    assert worker.arrivals.max_body == 5000


def test_an_order_to_stop_waits_for_no_lock_of_the_threads(monkeypatch):
    """Ctrl-C came twice, the second time inside the first, and waited for a lock that the first held."""
    monkeypatch.setattr(signals, "stopping", signals.Flag())
    worker = Worker(0, 0, [], None, 30, Config(), logging.getLogger("gunicorn.error"))
    worker.tpool, worker.method_queue = ThreadPoolExecutor(1), PollableMethodQueue()
    worker.method_queue.init()
    stopping = threading.Thread(target=worker.handle_quit, args=(signal.SIGINT, None), daemon=True)

    with worker.tpool._shutdown_lock:
        stopping.start()
        stopping.join(60)
    worker.method_queue.close()

    assert not stopping.is_alive()
    assert not worker.alive
    assert signals.stopping.is_set()


@pytest.fixture
def clock(monkeypatch):
    monkeypatch.setattr(gunicorn_worker, "time", standing := SteadyClock())
    return standing


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


@pytest.fixture
def workers(listener, clock):
    """Two processes' workers at one listening socket, each with a seat; they run when a test lets them."""
    both = []
    for _ in range(2):
        worker = Worker(0, 0, [listener.dup()], None, 30, Config(), logging.getLogger("gunicorn.error"))
        worker.poller, worker.held = selectors.DefaultSelector(), []
        worker.enqueue_req = worker.held.append
        worker.seat = accept_balance.take_seat()
        accept_balance.note(worker.seat, 0)
        worker.set_accept_enabled(True)
        both.append(worker)
    yield both
    for worker in both:
        accept_balance.leave_seat(worker.seat)
        worker.poller.close()
        for listening in worker.sockets:
            listening.close()
        for conn in worker.held:
            conn.close()


def let_run(worker, times=1):
    """So many rounds of the worker's loop, each of which takes one connection at most."""
    for _ in range(times):
        worker.set_accept_enabled(True)
        worker.wait_for_and_dispatch_events(0)
        worker.set_accept_enabled(True)


@contextlib.contextmanager
def clients_of(listener, count):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(count)]


def test_connections_that_come_at_once_are_shared_evenly(listener, workers):
    first, second = workers
    with clients_of(listener, 8):
        for _ in range(4):
            let_run(first)  # it is always the first to wake
            let_run(second)
    assert (len(first.held), len(second.held)) == (4, 4)


def test_a_process_that_wakes_first_each_time_takes_not_more_than_two(listener, workers):
    first, second = workers
    with clients_of(listener, 4):
        let_run(first, 3)
        let_run(second, 3)
    assert (len(first.held), len(second.held)) == (2, 2)


def test_a_difference_of_one_lets_nobody_wait(listener, workers):
    first, _ = workers
    with clients_of(listener, 2):
        let_run(first, 2)
    assert len(first.held) == 2


def test_a_connection_that_a_process_leaves_is_taken_after_a_rest(listener, workers, clock):
    first, _ = workers
    with clients_of(listener, 3):
        let_run(first, 3)
        assert len(first.held) == 2, "the other process holds fewer"
        clock.at_s += accept_balance.REST_S / 2
        let_run(first)
        assert len(first.held) == 2, "not before the rest is over"
        clock.at_s += accept_balance.REST_S / 2
        let_run(first)
        assert len(first.held) == 3


def test_a_process_that_comes_late_from_its_rest_does_not_rest_again(listener, workers, clock):
    first, _ = workers
    with clients_of(listener, 3):
        let_run(first, 3)
        clock.at_s += 100 * accept_balance.REST_S
        let_run(first)
        assert len(first.held) == 3


def test_a_process_rests_before_each_connection_that_another_should_take(listener, workers, clock):
    first, _ = workers
    with clients_of(listener, 5):
        let_run(first, 3)
        clock.at_s += accept_balance.REST_S
        let_run(first, 3)
        assert len(first.held) == 3


def test_the_connection_that_a_rest_was_for_may_be_gone(listener, workers, clock):
    first, second = workers
    with clients_of(listener, 3):
        for _ in range(3):
            let_run(first)
        let_run(second)
        clock.at_s += accept_balance.REST_S
        let_run(first)
        with clients_of(listener, 1):
            let_run(first)
        assert (len(first.held), len(second.held)) == (3, 1)


class RecordingPoller:
    """A poller that notes how long it was to wait, and does not."""

    def __init__(self, poller):
        self.poller, self.timeouts = poller, []

    def __getattr__(self, name):
        return getattr(self.poller, name)

    def select(self, timeout):
        self.timeouts.append(timeout)
        return self.poller.select(0)


def test_a_process_waits_no_longer_than_its_rest(listener, workers):
    first, _ = workers
    first.poller = RecordingPoller(first.poller)
    with clients_of(listener, 3):
        for _ in range(4):
            first.set_accept_enabled(True)
            first.wait_for_and_dispatch_events(1.0)
    assert first.poller.timeouts == [1.0, 1.0, 1.0, pytest.approx(accept_balance.REST_S)]


def test_a_rest_that_ends_between_two_looks_makes_nobody_deaf(listener, workers, clock):
    """gunicorn asks to accept again before it waits for a second: the rest may end in between."""
    first, _ = workers
    first.poller = RecordingPoller(first.poller)

    with clients_of(listener, 3):
        let_run(first, 3)
        first.set_accept_enabled(True)
        clock.at_s += accept_balance.REST_S
        first.wait_for_and_dispatch_events(1.0)

    assert first.poller.timeouts[-1] == 0
    assert len(first.held) == 3


@contextlib.contextmanager
def no_file_left():
    """This process has as many files open as it may have."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 1, limits[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.dup(held[0]))
        yield
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_a_process_without_a_file_left_pauses_says_so_once_and_goes_on(listener, workers, clock, caplog, monkeypatch):
    """It ended, with all requests that it served."""
    monkeypatch.setattr(file_shortage, "time", clock)
    first, _ = workers
    with clients_of(listener, 1):
        with no_file_left():
            for _ in range(3):
                let_run(first)
                assert accept_balance._counts[first.seat] == accept_balance.EMPTY
                clock.at_s += file_shortage.PAUSE_S
        assert first.held == []
        let_run(first, 2)

        assert len(first.held) == 1
    assert [record.message for record in caplog.records if "no connection can be accepted" in record.message] == [
        "no connection can be accepted: Too many open files; those that wait are accepted once files are free. Raise "
        "the limit of open files (ulimit -n, LimitNOFILE of systemd)"
    ]


def test_a_process_does_not_try_to_accept_while_it_pauses(listener, workers, clock, monkeypatch):
    monkeypatch.setattr(file_shortage, "time", clock)
    first, _ = workers
    with clients_of(listener, 1):
        with no_file_left():
            let_run(first)
        let_run(first, 3)
        assert first.held == []

        clock.at_s += file_shortage.PAUSE_S
        let_run(first)
        assert len(first.held) == 1


def test_another_error_of_accepting_is_no_shortage(listener, workers):
    first, _ = workers

    class Broken:
        def accept(self):
            raise OSError(errno.EBADF, "closed")

    with pytest.raises(OSError, match="closed"):
        first.accept(Broken())
    assert not first.shortage.pauses


def test_a_process_that_stops_takes_what_waits_and_then_listens_no_more(listener, workers, clock):
    """What waited to be accepted was left without an answer until the process ended; a proxy made it a 502."""
    first, _ = workers
    with clients_of(listener, 3):
        let_run(first, 3)
        first.alive = False
        clock.at_s += accept_balance.REST_S
        first.set_accept_enabled(False)
        first.wait_for_and_dispatch_events(0)
        first.wait_for_and_dispatch_events(0)

    assert len(first.held) == 3
    assert first.sockets == []


@pytest.fixture
def order_to_end(monkeypatch):
    """This process's order to end live tails, which is given for good."""
    monkeypatch.setattr(signals, "stopping", order := signals.Flag())
    return order


def test_a_process_that_is_told_to_stop_ends_its_live_tails(workers, order_to_end):
    workers[0].method_queue.init()

    workers[0].handle_exit(signal.SIGTERM, None)

    assert order_to_end.is_set()
    assert not workers[0].alive
    workers[0].method_queue.close()


def test_a_late_order_to_stop_writes_to_no_file(workers, order_to_end):
    """The pipe of a worker that has ended its loop may be closed, and the number of its file belong to a connection."""
    receiving, sending = os.pipe()
    workers[0].method_queue._write_fd = sending  # as if the number had been given out again
    workers[0].alive = False

    workers[0].handle_exit(signal.SIGTERM, None)

    os.close(sending)
    assert os.read(receiving, 1) == b""
    os.close(receiving)


def test_a_process_that_ended_is_not_waited_for(listener, workers):
    first, second = workers
    accept_balance.leave_seat(second.seat)
    second.seat = None
    with clients_of(listener, 4):
        let_run(first, 4)
        assert len(first.held) == 4


def test_a_process_that_stops_is_not_waited_for(listener, workers):
    first, second = workers
    second.alive = False
    second.set_accept_enabled(False)
    second.wait_for_and_dispatch_events(0)
    with clients_of(listener, 4):
        let_run(first, 4)
        assert len(first.held) == 4


def test_a_process_without_a_seat_takes_connections(listener, workers):
    first, second = workers
    accept_balance.leave_seat(second.seat)
    second.seat = None
    with clients_of(listener, 1):
        let_run(second)
        assert len(second.held) == 1


def test_a_closed_connection_counts_no_more(listener, workers):
    first, second = workers
    with clients_of(listener, 4):
        for _ in range(2):
            let_run(first)
            let_run(second)
        first.nr_conns -= 2  # as gunicorn notes that clients have gone
        let_run(first)
        with clients_of(listener, 1):
            let_run(second)
            let_run(first)

    assert (len(first.held), len(second.held)) == (3, 2)


def test_the_master_seats_a_process_and_frees_the_seat_afterwards():
    """The master seats a process before it begins and frees the seat when it ended."""
    worker = Worker.__new__(Worker)
    gunicorn_hooks.pre_fork(None, worker)
    assert not accept_balance.another_holds_fewer(100), "it does not accept yet"
    accept_balance.note(worker.seat, 3)
    assert accept_balance.another_holds_fewer(5)
    gunicorn_hooks.child_exit(None, worker)
    assert not accept_balance.another_holds_fewer(100)


def test_seats_are_given_once_and_again_after_their_process_ended():
    seats = [accept_balance.take_seat() for _ in range(accept_balance.SEATS)]
    assert sorted(seats) == list(range(accept_balance.SEATS))
    assert accept_balance.take_seat() is None
    for seat in seats:
        accept_balance.leave_seat(seat)
    again = accept_balance.take_seat()
    assert again in seats
    accept_balance.leave_seat(again)


def test_a_worker_that_ends_sends_its_spans(monkeypatch):
    stops = []
    monkeypatch.setattr(gunicorn_hooks.tracing, "stop", lambda: stops.append("tracing"))

    gunicorn_hooks.worker_exit(None, None)

    assert stops == ["tracing"]
