"""The fast target counts what arrives, however the octets are cut."""

import http.client
import socket
import ssl
from contextlib import closing

import pytest

from bench.target import end_of_request
from bench.targets import Target
from bench.tls import certificate

POST = b'POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{"a":1}'


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (POST[:20], 0),
        (POST, len(POST)),
        (POST[:-3], len(POST)),
        (POST + POST, len(POST)),
        (b"GET / HTTP/1.1\r\n\r\n", 18),
        (POST.replace(b"Content-Length", b"CONTENT-LENGTH"), len(POST)),
    ],
)
def test_a_request_ends_after_its_body(data, end):
    assert end_of_request(data) == end


def test_it_answers_and_counts_each_request_once_and_forgets():
    with Target() as target:
        with closing(socket.create_connection(("127.0.0.1", target.port), timeout=60)) as sock:
            sock.sendall(POST + POST[:30])
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
            sock.sendall(POST[30:])
            assert sock.recv(1000).endswith(b'{"received": true}')

        seen = target.count()
        assert seen["arrival"] == 2
        assert seen["first_at"] < seen["last_at"]

        target.assert_arrivals(2)
        with pytest.raises(AssertionError, match="1 jobs must arrive once each, got 2"):
            target.assert_arrivals(1)

        target.forget()
        assert target.count()["arrival"] == 0


@pytest.mark.parametrize(("path", "is_kept"), [("/ok", True), ("/once", False)])
def test_with_a_certificate_it_speaks_tls_and_closes_after_a_request_for_once_alone(tmp_path, path, is_kept):
    pem_file, ca_file = certificate(tmp_path)
    context = ssl.create_default_context(cafile=ca_file)
    with Target(pem_file) as target:
        connection = http.client.HTTPSConnection("127.0.0.1", target.port, timeout=60, context=context)
        with closing(connection):
            connection.request("POST", path, b"{}")
            response = connection.getresponse()

            assert (response.status, response.read()) == (200, b'{"received": true}')
            assert (connection.sock is not None) is is_kept
