"""A socket whose every wait ends by the attempt's deadline: connecting, the TLS handshake, each read and
each write.

The socket never blocks; one poll object waits for as long as the attempt has left. So a target that sends,
or takes, one byte a second cannot stretch an attempt. Nothing shuts the socket from outside: an answer cut
inside its headers would look like a whole one.
"""

import errno
import os
import select
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

from workers.transport.deadline import Deadline
from workers.transport.outcome import Failed

Result = TypeVar("Result")


class TimedSocket:
    """A connected socket. Used by one thread at a time.

    `deadline` is set anew for each attempt; `peer` is the IP address at the other end.
    """

    def __init__(self, address: str, port: int, deadline: Deadline, share: float) -> None:
        """Connect, or raise OSError; TimeoutError after `share` (above 0, at most 1) of the time that
        remains.
        """
        self.deadline = deadline
        self._tls = False
        self._sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLOUT)
        self._waits_for = select.POLLOUT
        try:
            self._connect(address, port, deadline.remaining_s() * share)
            self.peer = str(self._sock.getpeername()[0])
        except BaseException:
            self._sock.close()
            raise

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Shake hands with the holder of a certificate for `host`; raises ssl.SSLError, OSError or Failed."""
        wrapped = context.wrap_socket(
            self._sock, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
        self._sock, self._tls = wrapped, True
        self._when_ready(select.POLLIN, wrapped.do_handshake)

    def send(self, data: memoryview) -> int:
        """Send a part of `data`, at least one byte, and say how much."""
        return self._when_ready(select.POLLOUT, lambda: self._sock.send(data))

    def receive(self, most: int) -> bytes:
        """At least one byte, or b"" at the end."""
        if not self._tls:
            self._wait(select.POLLIN)
        return self._when_ready(select.POLLIN, lambda: self._sock.recv(most))

    def is_quiet(self) -> bool:
        """Whether nothing has come on it, not even its end."""
        self._turn_to(select.POLLIN)
        return not self._poll.poll(0)

    def close(self) -> None:
        self._sock.close()

    def _connect(self, address: str, port: int, within_s: float) -> None:
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self._sock.connect_ex((address, port))
        if error == errno.EINPROGRESS:
            if not self._poll.poll(_whole_ms(within_s)):
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            error = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))

    def _when_ready(self, event: int, operation: Callable[[], Result]) -> Result:
        while True:
            try:
                return operation()
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)
            except BlockingIOError:
                self._wait(event)

    def _wait(self, event: int) -> None:
        self._turn_to(event)
        if not self._poll.poll(_whole_ms(self.deadline.remaining_s())):
            raise Failed("timeout", self.deadline.text())

    def _turn_to(self, event: int) -> None:
        if event != self._waits_for:
            self._poll.modify(self._sock, event)
            self._waits_for = event


def _whole_ms(seconds: float) -> int:
    return int(seconds * 1000) + 1
