"""Runs the fast target: answers every request with 200, and records when the first and the last arrived.

The receiver of the journeys writes a line for each request, at 80 us of CPU a request; on two cores, which all parts
share, that would be a sixth of what is measured. This one takes 30. Control: POST /count, as at the receiver, answers
{"arrival": N, "first_at": us, "last_at": us}; POST /forget resets the count. After a request for /once it closes the
connection. With a PEM file of a key and its certificate it speaks TLS.

    python target.py [PEM FILE]        prints {"port": N} when it listens
"""

import asyncio
import json
import signal
import ssl
import sys
import time

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"received": true}'
LAST = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
LENGTH = b"content-length:"


class State:
    """Counts arrivals; only the event loop uses it."""

    arrival = first_at = last_at = 0

    def note(self) -> None:
        self.last_at = time.time_ns() // 1000
        self.first_at = self.first_at or self.last_at
        self.arrival += 1


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    state = State()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.rest = transport, b""

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        while (stop := end_of_request(data)) and stop <= len(data):
            self.transport.write(self.answer(data[:40]))
            if data.startswith(b"POST /once "):
                self.transport.close()
            data = data[stop:]
        self.rest = data

    def answer(self, start: bytes) -> bytes:
        if start.startswith(b"POST /forget "):
            Connection.state = State()
        elif not start.startswith(b"POST /count "):
            self.state.note()
            return LAST if start.startswith(b"POST /once ") else OK
        state = self.state
        body = json.dumps({"arrival": state.arrival, "first_at": state.first_at, "last_at": state.last_at}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def end_of_request(data: bytes) -> int:
    """Where the first request ends; 0 until its head is complete."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0
    name = data[:head].lower().find(LENGTH)
    return head + 4 + (int(data[name + len(LENGTH) : head].split(b"\r\n", 1)[0]) if name >= 0 else 0)


def tls(pem_file: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem_file)
    return context


async def serve(context: ssl.SSLContext | None) -> None:
    """Listen on loopback until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(Connection, "127.0.0.1", 0, backlog=1024, ssl=context)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(serve(tls(sys.argv[1]) if sys.argv[1:] else None)))
