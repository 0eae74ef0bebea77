"""The Receiver: the fake customer that scheduled requests arrive at, a process of its own.

It owns the arrival ledger, the only evidence of what really reached a customer. It must stay trivial and must
import nothing of Booper, so that it can't share a mistake with the product. One asyncio thread, no locks: the
whole state belongs to the event loop.

Each line of the ledger is one JSON list, written by one `write` to a file opened with O_APPEND:

    ["arrival", wall_us, monotonic_us, nonce, attempt, job_id, connection, method, path, body_sha256]
    ["end",     wall_us, monotonic_us, nonce, attempt, job_id, connection, status_code, whole]
    ["partial", wall_us, monotonic_us, null, null, null, connection, octets]
    ["notified",    wall_us, monotonic_us, path, headers, body]          beside the arrival, for paths below /notified

An arrival bears the instant its first octet was read, put right where this process was late to read it: the kernel
knows when it came. An end bears the instant the response was handed to the
kernel (`whole` true) or was given up (`whole` false). A partial is a connection closed inside a request.

Paths: /ok, /echo, /status/<code>, /slow/<seconds>, /hang, /reset, /drip, /stall (held until /release), /notified/…
(answered after so many seconds, if it ends in a number), /fail-then-ok/<n> (503 to the first n arrivals of each nonce).
Control: /release, /count.

    python receiver.py --ledger FILE [--port 0]      prints {"port": N} when it listens
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import time
from collections import Counter
from http import HTTPStatus
from typing import NamedTuple

HEAD_LIMIT = 64 * 1024
DRIP_SECONDS = 0.2
LAST_DATA_AT = 52  # in struct tcp_info: tcpi_last_data_recv, milliseconds
COARSE_US = 10_000  # more than a tick of the kernel's clock, by which that is off
PHRASES = {int(status): status.phrase for status in HTTPStatus}


class Request(NamedTuple):
    """One whole request. `nonce`, `attempt` and `job_id` are None where the header is missing."""

    method: str
    path: str
    nonce: str | None
    attempt: int | None
    job_id: int | str | None
    body: bytes
    headers: dict[str, str]


class Ledger:
    """The arrival ledger: appended line by line, forced to the disk at the end."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.counts: Counter[str] = Counter()

    def write(self, kind: str, at: tuple[int, int], *fields: object) -> None:
        self.counts[kind] += 1
        os.write(self._file, json.dumps([kind, *at, *fields]).encode() + b"\n")

    def close(self) -> None:
        os.fsync(self._file)
        os.close(self._file)


class Receiver:
    """What the connections share: the ledger, the stalled requests, the failures still owed to each nonce."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.connections = 0
        self.stalled: list[asyncio.Future[None]] = []
        self.failures: Counter[str | None] = Counter()

    def release(self) -> int:
        """Answer every request that waits at /stall now; how many."""
        stalled, self.stalled = self.stalled, []
        for gate in stalled:
            if not gate.done():
                gate.set_result(None)
        return len(stalled)

    def stall(self) -> asyncio.Future[None]:
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.stalled.append(gate)
        return gate

    def owes_failure(self, nonce: str | None, limit: int) -> bool:
        self.failures[nonce] += 1
        return self.failures[nonce] <= limit

    def count(self) -> dict[str, int]:
        return {"stalled": len(self.stalled), "connections": self.connections, **self.ledger.counts}


class Connection(asyncio.Protocol):
    """One keep-alive connection: requests are answered one at a time, in their order."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.buffer = b""
        self.first_octet_at = (0, 0)
        self.pending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.receiver.connections += 1
        self.number = self.receiver.connections
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if not self.buffer:
            self.first_octet_at = self._came_at()
        self.buffer += data
        self._proceed()

    def _came_at(self) -> tuple[int, int]:
        """When the data that was read just now came, hardly earlier than it did."""
        sock = self.transport.get_extra_info("socket")
        [age_ms] = struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), LAST_DATA_AT)
        late_us = max(0, age_ms * 1000 - COARSE_US)
        wall, monotonic = now()
        return wall - late_us, monotonic - late_us

    def connection_lost(self, error: Exception | None) -> None:
        if self.pending:
            self.pending.cancel()
        if self.buffer:
            self.receiver.ledger.write("partial", self.first_octet_at, None, None, None, self.number, len(self.buffer))

    def _proceed(self) -> None:
        """Take the whole requests out of the buffer until one has to wait for its answer."""
        while self.buffer and self.pending is None and not self.transport.is_closing():
            try:
                taken = take_request(self.buffer)
            except ValueError as error:
                self._refuse(str(error))
                return
            if taken is None:
                return
            request, self.buffer = taken
            self._receive(request)

    def _refuse(self, reason: str) -> None:
        self.buffer = b""
        self.transport.write(answer(400, reason.encode(), close=True))
        self.transport.close()

    def _receive(self, request: Request) -> None:
        if request.path in CONTROLS:
            self.transport.write(answer(200, json.dumps(CONTROLS[request.path](self.receiver)).encode()))
            return
        self.receiver.ledger.write(
            "arrival",
            self.first_octet_at,
            *self._who(request),
            request.method,
            request.path,
            hashlib.sha256(request.body).hexdigest(),
        )
        if mode_of(request.path) == "notified":
            self.receiver.ledger.write("notified", now(), request.path, request.headers, request.body.decode())
        self.first_octet_at = now()
        code = status_at_once(self.receiver, request)
        if code is not None:
            self._respond(request, code)
        else:
            self.pending = asyncio.get_running_loop().create_task(self._respond_later(request))

    def _who(self, request: Request) -> tuple[str | None, int | None, int | str | None, int]:
        return request.nonce, request.attempt, request.job_id, self.number

    def _respond(self, request: Request, code: int) -> None:
        body = request.body if request.path == "/echo" else b'{"received": true}'
        self.transport.write(answer(code, body, bodiless=request.method == "HEAD"))
        self._write_end(request, code, whole=True)

    def _write_end(self, request: Request, code: int, whole: bool) -> None:
        self.receiver.ledger.write("end", now(), *self._who(request), code, whole)

    async def _respond_later(self, request: Request) -> None:
        try:
            code = await SLOW_MODES[mode_of(request.path)](self, request)
        except asyncio.CancelledError:
            self._write_end(request, 0, whole=False)
            return
        if code is None:
            self._write_end(request, 0, whole=False)
        else:
            self._respond(request, code)
        self.pending = None
        self._proceed()


async def _slow(connection: Connection, request: Request) -> int:
    await asyncio.sleep(float(request.path.rpartition("/")[2]))
    return 200


async def _notified(connection: Connection, request: Request) -> int:
    with contextlib.suppress(ValueError):
        await asyncio.sleep(float(request.path.rpartition("/")[2]))
    return 200


async def _hang(connection: Connection, request: Request) -> None:
    await asyncio.get_running_loop().create_future()


async def _reset(connection: Connection, request: Request) -> None:
    sock = connection.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


async def _drip(connection: Connection, request: Request) -> None:
    connection.transport.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
    while True:
        await asyncio.sleep(DRIP_SECONDS)
        connection.transport.write(b"a")


async def _stall(connection: Connection, request: Request) -> int:
    await connection.receiver.stall()
    return 200


SLOW_MODES = {"slow": _slow, "notified": _notified, "hang": _hang, "reset": _reset, "drip": _drip, "stall": _stall}
CONTROLS = {
    "/release": lambda receiver: {"released": receiver.release()},
    "/count": lambda receiver: receiver.count(),
}


def mode_of(path: str) -> str:
    return path.split("/", 2)[1]


def status_at_once(receiver: Receiver, request: Request) -> int | None:
    """The status code of a path that is answered without waiting; None for one that waits."""
    mode = mode_of(request.path)
    if mode in SLOW_MODES:
        return None
    argument = request.path.rpartition("/")[2]
    if mode == "status":
        return int(argument)
    if mode == "fail-then-ok":
        return 503 if receiver.owes_failure(request.nonce, int(argument)) else 200
    return 200 if mode in ("ok", "echo") else 404


def take_request(buffer: bytes) -> tuple[Request, bytes] | None:
    """The first whole request of the buffer and what follows it; None while it is not whole yet.

    Raises ValueError when the octets are no HTTP/1.1 request of the two kinds taken here: without a body,
    or with a Content-Length.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_LIMIT:
            raise ValueError("the head must end within 64 KiB")
        return None
    first, *lines = buffer[:end].decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if version != "HTTP/1.1" or "transfer-encoding" in headers:
        raise ValueError("must be HTTP/1.1 with a Content-Length")
    stop = end + 4 + int(headers.get("content-length", 0))
    if len(buffer) < stop:
        return None
    attempt, job_id = headers.get("booper-attempt"), headers.get("booper-job-id")
    return (
        Request(
            method,
            target.partition("?")[0],
            headers.get("x-nonce"),
            int(attempt) if attempt else None,
            int(job_id) if job_id and job_id.isdigit() else job_id,
            buffer[end + 4 : stop],
            headers,
        ),
        buffer[stop:],
    )


def answer(code: int, body: bytes, close: bool = False, bodiless: bool = False) -> bytes:
    """A whole HTTP/1.1 response; the body is left out where the method or the status code allows none."""
    phrase = PHRASES.get(code, "Other")
    if code in (204, 304):
        body = b""
    lines = [f"HTTP/1.1 {code} {phrase}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, "Connection: close"] if close else lines) + "\r\n\r\n"
    return head.encode() if bodiless else head.encode() + body


def now() -> tuple[int, int]:
    """(wall clock, monotonic clock), microseconds."""
    return time.time_ns() // 1000, time.monotonic_ns() // 1000


async def serve(port: int, ledger: Ledger) -> None:
    """Listen on loopback until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    receiver = Receiver(ledger)
    server = await loop.create_server(lambda: Connection(receiver), "127.0.0.1", port, backlog=1024)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="a fake customer that writes down what arrives")
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    ledger = Ledger(options.ledger)
    with contextlib.closing(ledger):
        asyncio.run(serve(options.port, ledger))


if __name__ == "__main__":
    sys.exit(main())
