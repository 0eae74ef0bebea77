"""Open connections: writing a request to one, and keeping it for the next request to the same origin.

A connection that is used again needs no lookup, since its peer was judged when it was opened.
"""

import threading
import time
from collections import OrderedDict, deque

from models.rules.url_rules import Target
from workers.transport.byte_reader import ByteReader
from workers.transport.deadline import Deadline
from workers.transport.timed_socket import TimedSocket

MAX_IDLE_S = 4.0
MAX_AGE_S = 60.0
_WRITE_BYTES = 64 * 1024

Origin = tuple[str, str, int]


class Connection:
    """One open socket to one origin. Held by one thread at a time."""

    def __init__(self, target: Target, sock: TimedSocket, peer: str) -> None:
        self.origin: Origin = (target.scheme, target.host, target.port)
        self.peer = peer
        self.incoming = ByteReader(sock)
        self.idle_since_s = 0.0
        self._opened_at_s = time.monotonic()
        self._sock = sock

    def write(self, data: bytes, deadline: Deadline) -> None:
        """Begin an attempt: send it all, or as much as the target takes; one that answers and closes early is
        still heard."""
        self._sock.deadline = deadline
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._sock.send(rest[:_WRITE_BYTES]) :]
        except OSError:
            return

    def is_usable(self, now_s: float) -> bool:
        """Neither old nor closed by the target, and nothing came on it unasked."""
        if now_s - self.idle_since_s > MAX_IDLE_S or now_s - self._opened_at_s > MAX_AGE_S:
            return False
        return self._sock.is_quiet()

    def close(self) -> None:
        self._sock.close()


class IdleConnections:
    """The open connections that no attempt uses, at most `most`; the one that has waited longest goes first.

    Thread-safe by one lock over both indexes; sockets are polled and closed outside it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._by_origin: dict[Origin, deque[Connection]] = {}
        self._by_age: OrderedDict[Connection, None] = OrderedDict()

    def take(self, origin: Origin) -> Connection | None:
        """The connection to this origin that was used last, if one is usable; the unusable ones met are
        closed.
        """
        while True:
            with self._lock:
                connection = self._pop(origin, newest=True)
            if connection is None or connection.is_usable(time.monotonic()):
                return connection
            connection.close()

    def put(self, connection: Connection) -> None:
        connection.idle_since_s = now_s = time.monotonic()
        with self._lock:
            self._by_origin.setdefault(connection.origin, deque()).append(connection)
            self._by_age[connection] = None
            surplus = self._surplus(now_s)
        for closing in surplus:
            closing.close()

    def close(self) -> None:
        """Close them all, and every one that is put here afterwards."""
        with self._lock:
            self._most = 0
            surplus = self._surplus(time.monotonic())
        for connection in surplus:
            connection.close()

    def _surplus(self, now_s: float) -> list[Connection]:
        surplus = []
        while self._by_age:
            oldest = next(iter(self._by_age))
            if len(self._by_age) <= self._most and now_s - oldest.idle_since_s <= MAX_IDLE_S:
                break
            self._pop(oldest.origin, newest=False)
            surplus.append(oldest)
        return surplus

    def _pop(self, origin: Origin, *, newest: bool) -> Connection | None:
        waiting = self._by_origin.get(origin)
        if not waiting:
            return None
        connection = waiting.pop() if newest else waiting.popleft()
        if not waiting:
            del self._by_origin[origin]
        del self._by_age[connection]
        return connection
