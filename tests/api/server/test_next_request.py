"""A thread goes on with the requests that follow at once on its connection, and keeps nobody else from being served."""

import pytest

from api.server import client_socket, next_request
from tests.support.http_worker import GET, POST, answer, response, response_of
from tests.support.waiting import wait_until

HANG, HEALTH = GET.replace(b"/path", b"/hang"), GET.replace(b"/path", b"/healthz")


@pytest.fixture
def begun(worker, monkeypatch):
    """The connections whose requests the main loop reads."""
    begun, begin = [], worker.arrivals.begin

    def note(conn, poller, read_before=b""):
        begun.append(conn)
        begin(conn, poller, read_before)

    monkeypatch.setattr(worker.arrivals, "begin", note)
    return begun


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """A thread that waits for a request waits for it for so long that its client is not too late on a busy machine."""
    monkeypatch.setattr(next_request, "WAIT_MS", 60_000)


@pytest.fixture
def kept(connect):
    """A connection whose first request was answered."""
    connection = connect()
    connection.sendall(GET)
    assert response(connection) == (200, b"/path ")
    yield connection
    connection.close()


def ask(connection, request):
    connection.sendall(request)
    return response(connection)


def hang_in_both_threads(app, connect):
    for number in (1, 2):
        connect().sendall(HANG)
        wait_until(lambda number=number: app.hanging == number, what="a thread to hang")


def test_a_request_that_follows_at_once_is_served_by_the_same_thread(app, kept, begun):
    assert [ask(kept, request) for request in (GET, POST + b"hello")] == [(200, b"/path "), (200, b"/path hello")]

    assert len(begun) == 0
    assert len(set(app.threads)) == 1


def test_a_thread_that_another_connection_needs_waits_for_no_request(app, connect, begun):
    connect().sendall(HANG)
    wait_until(lambda: app.hanging, what="a thread to hang")
    connections = [connect(), connect()]

    answers = [ask(connection, GET) for connection in connections * 2]

    assert answers == [(200, b"/path ")] * 4
    assert len(begun) == 5


def test_a_sign_of_life_that_follows_has_its_own_thread(app, kept):
    assert ask(kept, HEALTH) == (200, b"/healthz ")
    assert app.threads[0] != app.threads[1]


def test_the_thread_of_signs_of_life_serves_nothing_else(app, connect):
    connection = connect()
    assert [ask(connection, request)[0] for request in (HEALTH, GET)] == [200, 200]
    assert app.threads[0] != app.threads[1]


@pytest.mark.parametrize("missing", [2, len(GET) - 1])
def test_a_request_that_follows_in_part_holds_no_thread(app, connect, kept, missing):
    kept.sendall(GET[:-missing])
    hang_in_both_threads(app, connect)
    kept.sendall(GET[-missing:])
    app.go_on.set()
    assert response(kept) == (200, b"/path ")


def test_a_long_body_that_follows_arrives_whole(kept):
    body = b"x" * 3 * client_socket.PIECE
    head = POST.replace(b"Content-Length: 5", b"Content-Length: %d" % len(body))
    assert ask(kept, head + body) == (200, b"/path " + body)


def test_a_client_that_waits_for_100_in_a_request_that_follows_is_told_to_continue(kept):
    kept.sendall(POST.replace(b"Host: x", b"Expect: 100-continue"))
    assert kept.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert ask(kept, b"hello") == (200, b"/path hello")


def test_two_requests_that_follow_together_are_answered_one_after_another(kept):
    file = kept.makefile("rb")
    kept.sendall(GET + POST + b"hello")

    assert [response_of(file) for _ in range(2)] == [(200, b"/path "), (200, b"/path hello")]


def test_a_client_that_goes_instead_of_asking_again_is_forgotten(worker, kept):
    kept.close()
    wait_until(lambda: worker.nr_conns == 0, what="the connection to be gone")
    assert worker.handed_over == 0


def test_a_malformed_request_that_follows_gets_400(kept):
    assert ask(kept, b"GET nonsense\r\n\r\n")[0] == 400


def test_the_threads_of_a_pool_are_counted_whatever_becomes_of_their_requests(worker, connect, monkeypatch):
    monkeypatch.setattr(next_request, "WAIT_MS", 0)
    for request in (GET, HEALTH, GET.replace(b"Host: x", b"Connection: close"), b"GET nonsense\r\n\r\n"):
        answer(connect, request)
    wait_until(lambda: worker.handed_over == 0, what="all threads to be free")
