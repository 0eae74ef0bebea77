"""T8: targets that answer before they have taken the whole request, and close with unread data."""

import socket
import ssl

import pytest
import trustme

from tests.support.scripted_receivers import OK, answering
from workers.transport.wire_format import Request

BODY = b"x" * 490_000
EARLY = {
    413: b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig",
    429: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 3\r\n\r\nbig",
    200: b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbig",
}


def early(answer):
    """Reads 10 kB, answers at once as servers do, and closes: what still comes is answered with a reset."""

    def script(conn, receiver):
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn.recv(10_000)
        receiver.closing.wait(0.002)
        conn.sendall(answer)

    return script


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls_files(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return str(path), context


@pytest.mark.parametrize("status", EARLY)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_t8_an_answer_that_comes_before_a_failed_write_is_read(receiver, transport, tls_files, scheme, status):
    """Over https 17 of 30 were taken for resets, and a job that was done was performed again."""
    ca_file, context = tls_files
    target = receiver(early(EARLY[status]), tls=context if scheme == "https" else None)
    sender = transport(ca_file=ca_file)
    request = Request("POST", target.url(), {}, BODY, 5000)

    outcomes = [sender.send(request) for _ in range(30)]

    assert [getattr(outcome, "status_code", outcome) for outcome in outcomes] == [status] * 30
    assert {outcome.body for outcome in outcomes} == {b"big"}


def test_t8_a_connection_that_still_has_to_write_is_not_used_again(receiver, transport):
    def answering_early(conn, receiver):
        conn.recv(10_000)
        conn.sendall(OK)
        while conn.recv(65536):
            pass

    target, sender = receiver(answering_early), transport()
    assert sender.send(Request("POST", target.url(), {}, b"x" * 8_000_000, 5000)).status_code == 200
    assert sender.send(Request("POST", target.url(), {}, b"", 5000)).status_code == 200
    assert len(target.connections) == 2


@pytest.mark.parametrize("receive_buffer", [16384, 65536])
def test_a_large_body_arrives_whole_at_a_target_with_a_small_buffer(receiver, transport, receive_buffer):
    def small(conn, receiver):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        answering(OK)(conn, receiver)

    target = receiver(small)
    assert transport().send(Request("POST", target.url(), {}, BODY, 5000)).status_code == 200
    assert target.requests[0].endswith(BODY)
