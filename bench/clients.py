"""Sends requests at little cost: threads that write the same octets and read the response, each on its own connection.

An HTTP library would take more CPU than the endpoint under test.
"""

import socket
import threading
import time
from collections.abc import Collection
from typing import NamedTuple

TIMEOUT_SECONDS = 30


class Asked(NamedTuple):
    """The rate, and the latencies of all requests in no order."""

    per_s: float
    latencies_s: list[float]


def octets(method: str, path: str, key: str = "", body: bytes = b"") -> bytes:
    """One HTTP/1.1 request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    typed = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{head}{typed}\r\n".encode() + body


class Line:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status code and body. Raises OSError when the server hangs up."""
        self._socket.sendall(request)
        head, _, body = self._read_until(b"", lambda data: b"\r\n\r\n" in data).partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        return int(head[9:12]), self._read_until(body, lambda data: len(data) >= length)

    def close(self) -> None:
        self._socket.close()

    def _read_until(self, data: bytes, enough) -> bytes:
        while not enough(data):
            more = self._socket.recv(65536)
            if not more:
                raise OSError("the server closed the connection inside an answer")
            data += more
        return data


def latencies_ms(line: Line, request: bytes, count: int, expected: Collection[int] = (200,)) -> list[float]:
    """Of so many requests, one after another; every response must have an expected status."""
    latencies = []
    for _ in range(count):
        began = time.monotonic()
        status, body = line.ask(request)
        latencies.append(1000 * (time.monotonic() - began))
        assert status in expected, f"{request[:200]!r} was answered {status}: {body[:300]!r}"
    return latencies


def ask_all(port: int, request: bytes, count: int, clients: int, expected: int, per_s: float = 0) -> Asked:
    """Send the same request `count` times, from all clients together; every response must have the expected status.

    `per_s`: the rate of all clients together; 0: each client sends as soon as it is answered. With a rate, a latency
    counts from the instant when the request should have been sent, so that a stall shows in all requests it delays.
    """
    by_client: list[list[float]] = [[] for _ in range(clients)]
    errors: list[str] = []

    def work(client: int, latencies: list[float]) -> None:
        line = Line(port)
        try:
            for number in range(count // clients):
                began = time.perf_counter()
                if per_s:
                    meant = first + (number * clients + client) / per_s
                    time.sleep(max(0.0, meant - began))
                    began = meant
                status, body = line.ask(request)
                latencies.append(time.perf_counter() - began)
                assert status == expected, f"answered {status}: {body[:300]!r}"
        except (OSError, AssertionError) as error:
            errors.append(str(error))
        finally:
            line.close()

    threads = [threading.Thread(target=work, args=numbered) for numbered in enumerate(by_client)]
    began = first = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, f"{len(errors)} of {clients} clients failed, the first: {errors[0]}"
    return Asked(count / (time.perf_counter() - began), [latency for latencies in by_client for latency in latencies])
