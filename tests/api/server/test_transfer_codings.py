"""A body whose coding or end is not certain: the request is refused, and nothing behind it is taken for a request."""

import pytest

from api.server.transfer_codings import is_chunked_alone
from tests.support.http_worker import GET, response_of

HEAD = b"POST /path HTTP/1.1\r\nHost: x\r\n"
UNREAD = HEAD.replace(b"/path", b"/unread")
BODY = b"5\r\nhello\r\n0\r\n\r\n"
LINE = b"Transfer-Encoding: "


@pytest.mark.parametrize("head", [HEAD, UNREAD])
@pytest.mark.parametrize(
    "fields",
    [
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding: br, chunked",
        b"Transfer-Encoding: , chunked",
    ],
)
def test_a_coding_that_is_not_read_gets_501_and_the_connection_ends(app, connect, head, fields):
    connection = connect()
    connection.sendall(head + fields + b"\r\n\r\n" + BODY + GET)

    file = connection.makefile("rb")
    status, body = response_of(file)

    assert status == 501
    assert b"Transfer-Encoding must be chunked and nothing else." in body
    assert file.read() == b""
    assert app.threads == []


@pytest.mark.parametrize(
    "fields",
    [
        b"Transfer-Encoding: gzip",
        b"Transfer-Encoding: chunked, gzip",
        b"Transfer-Encoding: chunked, chunked",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_body_whose_end_is_not_certain_gets_400_and_the_connection_ends(app, connect, fields):
    connection = connect()
    connection.sendall(HEAD + fields + b"\r\n\r\n" + BODY + GET)

    file = connection.makefile("rb")

    assert response_of(file)[0] == 400
    assert file.read() == b""
    assert app.threads == []


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b" chunked\t"])
def test_a_chunked_body_is_served_and_so_is_what_follows(connect, coding):
    connection = connect()
    connection.sendall(HEAD + LINE + coding + b"\r\n\r\n" + BODY + GET)

    file = connection.makefile("rb")

    assert response_of(file) == (200, b"/path hello")
    assert response_of(file) == (200, b"/path ")


def test_a_refused_client_that_still_sends_gets_the_answer_and_no_reset(connect):
    connection = connect()
    connection.sendall(HEAD + b"Content-Length: x\r\n\r\n")
    file = connection.makefile("rb")

    assert response_of(file)[0] == 400
    assert file.read() == b""  # the server says no more
    for _ in range(5):
        connection.sendall(b"x" * 1000)


@pytest.mark.parametrize("values", [[], [""], ["chunked", "chunked"], ["gzip"], ["chunked;x=1"], ["\x0bchunked"]])
def test_only_chunked_is_chunked_alone(values):
    assert not is_chunked_alone(values)
