"""Reads requests in gunicorn's main loop, so that no thread waits for a client.

A connection is here from its first byte, or from its start, until its request has arrived whole; then `serve` gets it.
A request that does not arrive in time is answered with 408. A connection that has been answered for the last time is
here too until its client has closed it: gunicorn would wait for that in the loop itself.
"""

import contextlib
import socket
import time
from collections.abc import Callable
from selectors import EVENT_READ, BaseSelector
from typing import Any, NamedTuple

from api.server.client_socket import ClientSocket
from api.server.request_buffer import RequestBuffer

HEAD_S = 15.0  # for the head of a request, and for the first byte of a new connection
SLOWEST_BYTES_A_SECOND = 1000  # of a body, after HEAD_S
LINGER_S = 2.0
SWEEP_EVERY_S = 0.5
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Arrival(NamedTuple):
    """A request that arrives on a connection. `conn`: gunicorn's; `began_s`: on the steady clock."""

    conn: Any
    buffer: RequestBuffer
    began_s: float

    def is_late(self, now_s: float) -> bool:
        body_s = self.buffer.received / SLOWEST_BYTES_A_SECOND if self.buffer.has_head else 0.0
        return now_s > self.began_s + HEAD_S + body_s


class Arrivals:
    """`serve` gets a connection and the path of its request; `refuse` one that gets an error and its status; `forget`
    one that is over."""

    def __init__(
        self,
        max_body: int,
        serve: Callable[[Any, bytes], None],
        refuse: Callable[[Any, int], None],
        forget: Callable[[Any], None],
    ) -> None:
        self.max_body, self._serve, self._refuse, self._forget = max_body, serve, refuse, forget
        self._arriving: dict[int, Arrival] = {}
        self._lingering: dict[int, tuple[ClientSocket, float]] = {}
        self._next_sweep_s = 0.0

    def begin(self, conn: Any, poller: BaseSelector, read_before: bytes = b"") -> None:
        """Read a request, which begins with what was read before."""
        arrival = Arrival(conn, RequestBuffer(self.max_body), time.monotonic())
        if read_before:
            arrival.buffer.feed(read_before)
        if self._read(arrival):
            return self._finish(arrival)
        number = conn.sock.fileno()
        self._arriving[number] = arrival
        poller.register(conn.sock, EVENT_READ, lambda _: self._go_on(number, poller))
        return None

    def linger(self, sock: ClientSocket, poller: BaseSelector) -> None:
        """Half-close a connection, and close it when its client has, or after LINGER_S. Closed at once, with bytes of
        the client unread, it would lose the end of the response."""
        try:
            sock.setblocking(False)
            sock.shutdown(socket.SHUT_WR)
            number = sock.fileno()
            poller.register(sock, EVENT_READ, lambda _: self._drain(number, poller))
        except (OSError, ValueError, KeyError):
            sock.close()
            return
        self._lingering[number] = (sock, time.monotonic() + LINGER_S)

    def sweep(self, poller: BaseSelector, is_stopping: bool) -> None:
        """End what takes too long. A process that stops waits no longer than LINGER_S for a first byte."""
        now_s = time.monotonic()
        if now_s < self._next_sweep_s:
            return
        self._next_sweep_s = now_s + SWEEP_EVERY_S
        for number, arrival in list(self._arriving.items()):
            if arrival.is_late(now_s):
                self._end_late(number, poller)
            elif is_stopping and not arrival.buffer.received and now_s > arrival.began_s + LINGER_S:
                self._finish(self._take(number, poller))
        for number, (_, until_s) in list(self._lingering.items()):
            if now_s > until_s:
                self._close_lingering(number, poller)

    def _go_on(self, number: int, poller: BaseSelector) -> None:
        if self._read(self._arriving[number]):
            self._finish(self._take(number, poller))

    def _read(self, arrival: Arrival) -> bool:
        """Read what is there; whether nothing more is to be waited for."""
        buffer, sock = arrival.buffer, arrival.conn.sock
        try:
            while not buffer.is_complete:
                if buffer.expects_continue:
                    buffer.expects_continue = False
                    sock.send(CONTINUE)
                data = sock.receive_now()
                if not data:
                    return True
                buffer.feed(data)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def _finish(self, arrival: Arrival) -> None:
        """Hand the request over, unless its client has gone."""
        conn, buffer = arrival.conn, arrival.buffer
        if not buffer.is_complete:
            self._forget(conn)
        elif not buffer.has_head:
            self._refuse(conn, 431)
        else:
            conn.serve_from(buffer)
            return self._serve(conn, buffer.path)
        buffer.close()
        return None

    def _end_late(self, number: int, poller: BaseSelector) -> None:
        arrival = self._take(number, poller)
        arrival.buffer.close()
        if arrival.buffer.received:
            self._refuse(arrival.conn, 408)
        else:
            self._forget(arrival.conn)

    def _take(self, number: int, poller: BaseSelector) -> Arrival:
        arrival = self._arriving.pop(number)
        poller.unregister(arrival.conn.sock)
        return arrival

    def _drain(self, number: int, poller: BaseSelector) -> None:
        sock, _ = self._lingering[number]
        with contextlib.suppress(BlockingIOError):
            try:
                if sock.receive_now():
                    return
            except BlockingIOError:
                raise
            except OSError:
                pass
            self._close_lingering(number, poller)

    def _close_lingering(self, number: int, poller: BaseSelector) -> None:
        sock, _ = self._lingering.pop(number)
        poller.unregister(sock)
        sock.close()
