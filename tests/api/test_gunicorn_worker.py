"""What never becomes a request has the one shape too."""

import json
import logging
import socket

import pytest
from gunicorn.http import errors

from api.gunicorn_worker import Worker


def answered(error):
    """Status, headers and JSON of what the worker sends for this error."""
    worker = Worker.__new__(Worker)
    worker.log = logging.getLogger("gunicorn.error")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker.handle_error(None, ours, ("127.0.0.1", 5), error)
        ours.shutdown(socket.SHUT_WR)
        received = theirs.makefile("rb").read()
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
        (errors.UnsupportedTransferCoding("canary"), 400),
        (errors.InvalidChunkSize(b"canary"), 400),
        (errors.LimitRequestLine(9000, 8190), 414),
        (errors.LimitRequestHeaders("canary"), 431),
        (errors.ExpectationFailed("canary"), 417),
        (OSError("canary"), 400),
        (ZeroDivisionError("canary"), 500),
    ],
)
def test_a_broken_request_is_answered_in_the_one_shape(error, status):
    got, headers, body = answered(error)
    assert got == body["status"] == status
    assert set(body) == {"status", "code", "message", "errors", "request_id"}
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"] == body["request_id"]
    assert "canary" not in str(body)


def test_a_client_that_is_gone_does_no_harm():
    worker = Worker.__new__(Worker)
    worker.log = logging.getLogger("gunicorn.error")
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    worker.handle_error(None, ours, None, errors.InvalidRequestLine("x"))
