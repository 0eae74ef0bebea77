"""Carries one exchange at a time on one open connection to an origin."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from workers.transport.answer_reader import AnswerReader

# A router or a balancer that forgets silent connections, many after 60 s, would cut a long attempt from its answer.
KEEP_ALIVE_S = 20
LARGE_BYTES = 16 * 1024  # a target may answer before it has taken so much
ACKNOWLEDGE_AFTER_S = 0.001, 0.003
TIMER_SLACK_S = 0.002  # timers of uvloop count whole milliseconds from a moment just past
SHUTDOWN_S = 1.0  # how long a target may take for the end of TLS


class Origin(NamedTuple):
    """Says whose connection it is, and to where. Accounts share none; an account's follow-ups (its id, negated) share
    none with its requests."""

    owner: int
    scheme: str
    host: str
    port: int


class Listener(Protocol):
    """Hears what becomes of the request that a connection carries."""

    def heard(self) -> None:
        """A byte of the answer came."""

    def answered(self) -> None:
        """The reader of the connection has all it wants."""

    def ended(self, properly: bool) -> None:
        """The connection closed before that; `properly`: as its protocol wants it."""


class Connection(asyncio.Protocol):
    """Belongs to the loop alone. Calls `on_closed` when it closes while it carries no exchange."""

    def __init__(self, origin: Origin, kept_bytes: int) -> None:
        self.origin = origin
        self.reader = AnswerReader(kept_bytes)
        self.peer = ""
        self.on_closed: Callable[[Connection], object] | None = None
        self.opened_at_s = self.idle_since_s = time.monotonic()
        self._listener: Listener | None = None
        self._transport: Any = None

    def send(self, verb: str, written: bytes, listener: Listener) -> None:
        """Write a request; its listener hears what comes, or that the connection closed just before."""
        self._listener = listener
        self.reader.expect(verb)
        if self.is_open:
            self._transport.write(written)
            if len(written) > LARGE_BYTES and self.origin.scheme == "https" and hasattr(socket, "TCP_QUICKACK"):
                for after_s in ACKNOWLEDGE_AFTER_S:
                    asyncio.get_running_loop().call_later(after_s, self._acknowledge)
        else:
            asyncio.get_running_loop().call_soon(self._end, False)

    async def start_tls(self, context: ssl.SSLContext, host: str, within_s: float) -> None:
        """Shake hands with the holder of a certificate for `host`; raises OSError (ssl.SSLError is one)."""
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(
            self._transport,
            self,
            context,
            server_hostname=host,
            ssl_handshake_timeout=within_s,
            ssl_shutdown_timeout=SHUTDOWN_S,
        )

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    @property
    def has_written_all(self) -> bool:
        return not self._transport.get_write_buffer_size()

    def release(self) -> None:
        """Have no listener: the exchange is over, and what comes from now on came unasked."""
        self._listener = None

    def close(self) -> None:
        """Close it in order where that can't last."""
        self._listener = None
        if self.has_written_all:
            self._transport.close()
        else:
            self.abort()

    def abort(self) -> None:
        self._listener = None
        self._transport.abort()

    def _acknowledge(self) -> None:
        """Acknowledge at once what came. Else the kernel of a target that answers early and closes may hold the answer
        back until we do (Nagle's algorithm), and forget it: over TLS, where tickets came before it."""
        if self._listener is not None and self.is_open:
            self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    # Called by the loop.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.peer = str(transport.get_extra_info("peername")[0])
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEP_ALIVE_S)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEP_ALIVE_S)

    def data_received(self, data: bytes) -> None:
        listener = self._listener
        if listener is None:
            self.close()
            return
        listener.heard()
        if self.reader.feed(data):
            listener.answered()

    def eof_received(self) -> None:
        self._end(True)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._end(False)

    def _end(self, properly: bool) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.ended(properly)
        elif self.on_closed is not None:
            self.on_closed(self)
