"""What `booper listen` sends to the local server, and what it makes of what that answers."""

import http.client
import threading

import pytest

from booper_client.cli.listening.local_server import LocalServer
from booper_client.models.listeners import LocalAnswer, TakenRequest
from tests.support.scripted_receivers import OK, ScriptedReceiver, read_request


@pytest.fixture
def answering():
    """Starts a local server that answers with these bytes, or does what the function says."""
    started = []

    def start(answer=OK):
        def script(conn, receiver):
            receiver.requests.append(read_request(conn))
            answer(conn, receiver) if callable(answer) else conn.sendall(answer)

        started.append(ScriptedReceiver(script))
        return started[-1]

    yield start
    for receiver in started:
        receiver.close()


def taken(path="/hook", method="POST", body_base64="aGVsbG8=", seconds_left=20.0, keep_bytes=100, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fixed = {"id": "x", "job_id": 1, "attempt": 1, "raw": {}}
    return TakenRequest(
        **fixed,
        method=method,
        path=path,
        headers=named,
        body_base64=body_base64,
        seconds_left=seconds_left,
        keep_bytes=keep_bytes,
    )


def send(receiver, base="", **fields):
    return LocalServer(f"http://127.0.0.1:{receiver.port}{base}").send(taken(**fields))


@pytest.mark.parametrize("path", ["/a%zz;b", "//evil.example/x", "/a/../b?x=%20+", "/@evil.example", "/%C3%A9?q#"])
def test_the_request_line_is_as_booper_wrote_it(answering, path):
    receiver = answering()
    send(receiver, path=path)
    assert receiver.requests[0].startswith(f"POST {path} HTTP/1.1\r\n".encode())


def test_the_headers_are_those_of_booper_and_of_the_connection(answering):
    receiver = answering()
    send(receiver, X_A="é", webhook_signature="v1,x")
    head, _, body = receiver.requests[0].partition(b"\r\n\r\n")
    assert set(head.split(b"\r\n")[1:]) == {
        f"Host: 127.0.0.1:{receiver.port}".encode(),
        "X-A: é".encode(),
        b"webhook-signature: v1,x",
        b"Accept-Encoding: identity",
        b"Content-Length: 5",
    }
    assert body == b"hello"


@pytest.mark.parametrize(("method", "has_length"), [("GET", False), ("DELETE", False), ("POST", True), ("PUT", True)])
def test_a_request_without_a_body_has_none(answering, method, has_length):
    receiver = answering()
    send(receiver, method=method, body_base64=None)
    assert (b"Content-Length: 0" in receiver.requests[0]) is has_length


def test_a_response_comes_back_as_it_is(answering):
    receiver = answering(b"HTTP/1.1 201 Created\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok")
    headers = (("Set-Cookie", "a"), ("Set-Cookie", "b"), ("Content-Length", "2"))
    assert send(receiver) == LocalAnswer(201, headers, b"ok")


def test_no_redirect_is_followed(answering):
    elsewhere = answering()
    redirect = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere.port}/\r\nContent-Length: 0\r\n\r\n"
    assert send(answering(redirect.encode())).status == 302
    assert elsewhere.requests == []


def test_no_proxy_of_the_machine_is_asked(answering, monkeypatch):
    proxy, receiver = answering(), answering()
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert send(receiver).status == 200
    assert proxy.requests == []


def test_of_a_long_body_as_much_is_read_as_is_kept(answering):
    receiver = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
    answer = send(receiver, keep_bytes=100)
    assert (answer.body, answer.truncated) == (b"x" * 100, True)
    whole = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 100)
    assert send(whole, keep_bytes=100).truncated is False


def test_a_head_has_no_body(answering):
    receiver = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    assert send(receiver, method="HEAD", body_base64=None).body == b""


def test_what_no_header_of_an_answer_may_hold_is_left_out(answering):
    head = b"HTTP/1.1 200 OK\r\nX-Good: 1\r\nX Bad: 2\r\nX-Bell: \x07\r\nX-Long: " + b"x" * 61_000
    assert send(answering(head + b"\r\nContent-Length: 0\r\n\r\n")).headers == (("X-Good", "1"),)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", "connection_reset"),
        (b"SSH-2.0-OpenSSH\r\n", "protocol"),
        (b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", "protocol"),
    ],
)
def test_what_is_no_response_is_an_error(answering, answer, error):
    assert send(answering(answer)) == LocalAnswer(error=error)


def test_a_server_that_is_not_there_refuses(answering):
    receiver = answering()
    receiver.close()
    assert send(receiver) == LocalAnswer(error="connection_refused")


def test_a_name_that_leads_nowhere_fails():
    assert LocalServer("http://nowhere.invalid").send(taken()) == LocalAnswer(error="connection_failed")


def hang(conn, receiver):
    receiver.closing.wait(30)


def drip(conn, receiver):
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not receiver.closing.wait(0.02):
        conn.sendall(b"x")


@pytest.mark.parametrize("slow", [hang, drip])
def test_a_server_that_is_too_slow_is_left(answering, slow):
    receiver, done = answering(slow), threading.Event()
    assert send(receiver, seconds_left=0.3, keep_bytes=10_000) == LocalAnswer(error="timeout")
    done.set()


def test_what_has_no_time_left_is_not_sent(answering):
    receiver = answering()
    assert send(receiver, seconds_left=0) == LocalAnswer(error="timeout")
    assert receiver.requests == []


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://user:pw@x", "http://x?a=1", "x:port", ""])
def test_what_is_no_server_is_refused(url):
    with pytest.raises(ValueError, match="must be such as|[Pp]ort"):
        LocalServer(url)


def test_a_server_may_be_named_in_short():
    assert LocalServer("localhost:3000").url == "http://localhost:3000"
    assert LocalServer("https://a.test/app/").url == "https://a.test/app"


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (ConnectionRefusedError(), "connection_refused"),
        (ConnectionResetError(), "connection_reset"),
        (BrokenPipeError(), "connection_reset"),
        (TimeoutError(), "timeout"),
        (http.client.IncompleteRead(b""), "protocol"),
        (ValueError(), "protocol"),
        (OSError(), "connection_failed"),
    ],
    ids=repr,
)
def test_each_way_to_fail_has_its_word(monkeypatch, failure, error):
    def fail(*_):
        raise failure

    monkeypatch.setattr(LocalServer, "_exchange", fail)
    assert LocalServer("127.0.0.1:9").send(taken()) == LocalAnswer(error=error)
