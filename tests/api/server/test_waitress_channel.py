"""In embedded mode too, what never becomes a request has the one shape of errors."""

import json
import socket
import threading

import pytest
import waitress

from api import create_app
from api.server.waitress_channel import Channel
from runtime import settings

HEAD = b"POST /api/echo HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def port():
    limits = {"max_request_body_size": 5000, "max_request_header_size": 1000}
    server = waitress.create_server(create_app(settings.load({})), host="127.0.0.1", port=0, ident=None, **limits)
    server.channel_class = Channel
    thread = threading.Thread(target=server.run, name="waitress", daemon=True)
    thread.start()
    yield server.effective_port
    server.close()
    server.task_dispatcher.shutdown(timeout=60)
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"Content-Length: 6000\r\n\r\n" + b"x" * 6000, 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1770\r\n" + b"x" * 6000 + b"\r\n0\r\n\r\n", 413),
        (HEAD + b"Content-Length: -5\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"X: " + b"x" * 1500 + b"\r\n\r\n", 431),
        (b"GARBAGE\r\n\r\n", 400),
    ],
)
def test_a_broken_request_is_answered_in_the_one_shape(port, sent, status):
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert int(head.split()[1]) == status
    assert b"application/json" in head

    error = json.loads(body)["error"]
    assert set(error) == {"status", "code", "message", "errors", "request_id"}
    assert error["status"] == status
