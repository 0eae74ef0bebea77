"""A client's connection for gunicorn's threads: what was read ahead comes first, and no call waits long."""

import errno
import socket
import struct
import time
from contextlib import suppress
from typing import IO, Any

WAIT_S = 10.0  # for a client that does not read its response, or sends more than was expected


class ClientSocket(socket.socket):
    """Takes the place of a connection that was accepted, which gives up its file.

    The system keeps the limits of a blocking call. Python's own would call poll() before each, and each call releases
    the interpreter, which busy threads give back late.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.read_ahead: IO[bytes] | None = None
        self._read_until_s = 0.0
        limit = struct.pack("ll", int(WAIT_S), int(WAIT_S % 1 * 1_000_000))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.setsockopt(socket.SOL_SOCKET, option, limit)

    def serve_from(self, file: IO[bytes]) -> None:
        """Let a thread read this, and for WAIT_S in all what follows on the connection."""
        self.drop_read_ahead()
        self.read_ahead, self._read_until_s = file, time.monotonic() + WAIT_S

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What was read ahead, then what arrives. Used by the thread that serves the request."""
        if self.read_ahead is not None:
            if data := self.read_ahead.read(size):
                return data
            self.drop_read_ahead()
        with suppress(BlockingIOError):
            if time.monotonic() < self._read_until_s:
                return super().recv(size, flags)
        raise BrokenPipeError(errno.EPIPE, f"the client sent too little within {WAIT_S} s")

    def receive_now(self, size: int) -> bytes:
        """What has arrived just now. Raises BlockingIOError for nothing."""
        return super().recv(size, socket.MSG_DONTWAIT)

    def sendall(self, data: Any, flags: int = 0) -> None:
        try:
            super().sendall(data, flags)
        except BlockingIOError:
            raise BrokenPipeError(errno.EPIPE, f"the client read nothing for {WAIT_S} s") from None

    def drop_read_ahead(self) -> None:
        if self.read_ahead is not None:
            self.read_ahead.close()
            self.read_ahead = None

    def close(self) -> None:
        self.drop_read_ahead()
        super().close()
