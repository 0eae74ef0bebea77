"""A client's connection for gunicorn's threads: they read what has arrived, and no call waits long."""

import errno
import socket
import struct
from typing import IO, Any

WAIT_S = 10.0  # for a client that does not read its response
PIECE = 65_536  # what is read at once


class ClientSocket(socket.socket):
    """Takes the place of a connection that was accepted, which gives up its file.

    The system keeps the limit of a call that sends. Python's own would call poll() before each, and each call releases
    the interpreter, which busy threads give back late.
    """

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.read_ahead: IO[bytes] | None = None
        limit = struct.pack("ll", int(WAIT_S), int(WAIT_S % 1 * 1_000_000))
        self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def serve_from(self, file: IO[bytes]) -> None:
        """Let a thread read this, and nothing that follows on the connection."""
        self.drop_read_ahead()
        self.read_ahead = file

    def recv(self, size: int, _flags: int = 0) -> bytes:
        """The rest of what was read ahead, then nothing, as if the client had ended. Where the parser sees the end of a
        request later than Booper does, it would wait here, and take the next request for a part of this one."""
        return b"" if self.read_ahead is None else self.read_ahead.read(size)

    def receive_now(self) -> bytes:
        """What has arrived just now, at most a PIECE. Raises BlockingIOError for nothing."""
        return super().recv(PIECE, socket.MSG_DONTWAIT)

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
